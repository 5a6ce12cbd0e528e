"""What plugins define, as schemas: names with their words, and each extension's own options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quark_core.config.choice import MARKER
from quark_core.config.schema.conditions import one_of
from quark_core.config.schema.draft7 import DEFS, raw_schema, rewrite
from quark_core.config.schema.engines import always
from quark_core.config.schema.keywords import Schema, documented
from quark_core.plugin.collect import NAME_PATTERN
from quark_core.plugin.specs import DtypeSpec, Spec
from quark_core.registry import Registry, needs_options

# A bare name is bundled and therefore known; only a prefixed one may come from a plugin that is not installed here.
# `(?![\s\S])` is the end of the text in every regular expression dialect; `$` is not.
PREFIXED = rf"^{NAME_PATTERN[:-1]}+(?![\s\S])"

_SAID_BELOW: Schema = {"x-taplo": {"docs": {"main": ""}}}
"""On a field with an ``anyOf``: taplo reads a field's words in the branches too, and would show them twice."""


class Choices:
    """Writes out the marker of each choice; collects the option schemas of extensions in ``definitions``."""

    def __init__(self, registry: Registry, *, open_names: bool) -> None:
        self.registry = registry
        self.open_names = open_names
        self.definitions: dict[str, Schema] = {}

    def write(self, schema: Schema) -> Schema:
        """Return ``schema`` with its marker, if it has one, written out."""
        if MARKER not in schema:
            return schema
        kind = schema[MARKER]
        rest = {key: value for key, value in schema.items() if key != MARKER}
        specs = self.registry.specs(kind)
        words = str(rest.get("description", ""))
        if kind == DtypeSpec.kind:
            return {**rest, **self._names(kind, specs.values(), words)}
        short = self._names(kind, (spec for spec in specs.values() if not needs_options(spec)), words)
        # The `anyOf` only feeds completion, for its last branch takes everything; if/then/else decides, and its
        # messages are exact where those of an `anyOf` are guesses.
        return {
            **rest,
            **_SAID_BELOW,
            "anyOf": [short, {"$ref": f"#/definitions/{kind}"}, True],
            "if": {"type": "object"},
            "then": {"$ref": f"#/definitions/{kind}"},
            "else": short,
        }

    def add_options(self, kind: str) -> None:
        """Collect the schema of the object form of a choice, and of each extension's own options."""
        specs = [spec for spec in self.registry.specs(kind).values() if not isinstance(spec, DtypeSpec)]
        branches = []
        for spec in specs:
            reference = self._options(spec)
            condition = {"properties": {"name": one_of((spec.name,))}, "required": ["name"]}
            branches.append({"if": condition, "then": {"$ref": reference}})
        which = f"Which {kind}."
        name = {"description": which, **self._names(kind, specs, which)}
        self.definitions[kind] = {
            "type": "object",
            "x-taplo": {"docs": {"main": f"Which {kind}, with options."}},
            "properties": {"name": name},
            "required": ["name"],
            **always(branches),
        }

    def _names(self, kind: str, specs: Iterable[Spec], words: str) -> Schema:
        pairs = [(spec.name, self._words(spec)) for spec in specs]
        # Some validators refuse an empty enum; no string is null, so this one takes nothing.
        nothing = {"type": "string", "enum": [None], "errorMessage": f"No installed plugin adds this {kind}."}
        known = documented(pairs, words) if pairs else nothing
        if not self.open_names:
            return known
        # As above: `anyOf` for completion, `if` for the verdict.
        return {**_SAID_BELOW, "anyOf": [known, True], "if": {"type": "string", "pattern": PREFIXED}, "else": known}

    def _words(self, spec: Spec) -> str:
        plugin = self.registry.owner(spec.kind, spec.name)
        words = spec.summary or f"A {spec.kind}."
        return words if plugin.bundled else f"{words} (plugin {plugin.name})"

    def _options(self, spec: Any) -> str:
        at = f"{spec.kind}.{spec.name}"
        schema, below = raw_schema(spec.options)

        def own(node: Schema) -> Schema:
            # Two plugins may each have a class of the same name: what stands below is named by the extension.
            name = str(node.get("$ref", "")).removeprefix(DEFS)
            if name not in below:
                return node
            return {**words.get(name, {}), **node, "$ref": f"#/definitions/{at}.{name}"}

        # The words on a class go to the fields that have none: on a shared definition they would hide those that have.
        words = {
            name: {"description": part.pop("description")} for name, part in below.items() if "description" in part
        }
        schema.pop("description", None)
        schema["properties"]["name"] = True
        self.definitions[at] = rewrite(schema, own)
        self.definitions |= {f"{at}.{name}": rewrite(part, own) for name, part in below.items()}
        return f"#/definitions/{at}"
