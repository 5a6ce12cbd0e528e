"""Directives for the reference of the config, read from the models and from what the bundled plugins add.

``{quark-fields} TensorConfig`` is a table of a model's fields, ``{quark-extensions} observer`` describes every bundled
extension of a kind with its options.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar

from docutils import nodes
from markdown import code, prose, table
from sections import section
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from quark_core.cli.capabilities import capability_lines
from quark_core.config import models
from quark_core.plugin import DeviceSpec, DtypeSpec, Options
from quark_core.plugin.discovery import all_entry_points, load
from quark_core.plugin.specs import Spec
from quark_core.registry import Registry

Schema = Mapping[str, Any]

BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


@cache
def bundled() -> Registry:
    """Return what every installation has, whatever else is installed where the site is built."""
    registry = Registry()
    for found in all_entry_points():
        if found.bundled:
            registry.add(load(found), found.name, found.dist, bundled=True)
    return registry


def rows(schema: Schema, definitions: Schema, skip: str = "") -> Iterator[tuple[str, str, str, str, str]]:
    """Yield name, type, default, bounds and meaning of each field of a JSON Schema."""
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        if name == skip:
            continue
        resolved = _resolved(field, definitions)
        default = "required" if name in required else code(json.dumps(field["default"])) if "default" in field else ""
        text = field.get("description") or resolved.get("description", "")
        yield code(name), _type(field, definitions), default, _bounds(field), prose(text)


def _bounds(field: Schema) -> str:
    said = [code(f"{word} {field[key]}") for key, word in BOUNDS.items() if key in field]
    least, most = field.get("minItems"), field.get("maxItems")
    if least is not None and least == most:
        said.append(f"{least} items")
    else:
        said += [code(f"items >= {least}")] if least is not None else []
        said += [code(f"items <= {most}")] if most is not None else []
    return ", ".join(said)


def _resolved(field: Schema, definitions: Schema) -> Schema:
    found: Schema = definitions[field["$ref"].rpartition("/")[2]] if "$ref" in field else field
    return found


def _type(field: Schema, definitions: Schema) -> str:
    if "x-quark-choice" in field:
        return f"name of a [{field['x-quark-choice']}](#{field['x-quark-choice']}s)"
    if "$ref" in field and "properties" in _resolved(field, definitions):
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    resolved = _resolved(field, definitions)
    if "enum" in resolved:
        return ", ".join(map(code, resolved["enum"]))
    if resolved.get("type") == "array":
        one = f"{_type(resolved['items'], definitions)} or " if "x-quark-one-or-many" in resolved else ""
        return f"{one}list of {_type(resolved['items'], definitions)}"
    return code(resolved["const"]) if "const" in resolved else str(resolved.get("type", "any"))


class Fields(SphinxDirective):
    """``{quark-fields} Model``: a table of the fields of a model in ``quark_core.config.models``."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        schema = getattr(models, self.arguments[0]).model_json_schema()
        head = ("field", "type", "default", "bounds", "meaning")
        return self.parse_text_to_nodes(table(head, rows(schema, schema.get("$defs", {}))))


class Extensions(SphinxDirective):
    """``{quark-extensions} kind``: what the bundled plugins add of a kind."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Return one table of dtypes, or a section for each extension with options."""
        kind = self.arguments[0]
        specs = bundled().specs(kind)
        if kind == DtypeSpec.kind:
            head = ("dtype", "what", "qscheme", "scale_type", "symmetric", "bits")
            dtypes = [_dtype(spec) for spec in specs.values() if isinstance(spec, DtypeSpec)]
            return self.parse_text_to_nodes(table(head, dtypes))
        return [section(self, f"{kind}-{name}", name, _described(spec)) for name, spec in specs.items()]


def _dtype(spec: DtypeSpec) -> tuple[str, ...]:
    bits = str(spec.format.bits)
    if not spec.scaled:
        return code(spec.name), prose(spec.summary), "none: a plain cast", "", "", bits
    group = f" of {spec.group_size}" if spec.group_size else ""
    schemes = ", ".join(map(code, spec.allowed_qschemes)) + group
    scales = ", ".join(map(code, spec.allowed_scale_types))
    return (
        code(spec.name),
        prose(spec.summary),
        schemes,
        scales,
        "always" if spec.only_symmetric else "as you say",
        bits,
    )


def _described(spec: Spec) -> str:
    options: type[Options] = spec.options  # type: ignore[union-attr]  # dtypes, which have none, are a table
    schema = options.model_json_schema()
    parts = [prose(schema.get("description", ""))]
    found = list(rows(schema, schema.get("$defs", {}), skip="name"))
    parts.append(table(("option", "type", "default", "bounds", "meaning"), found) if found else "It has no options.")
    if isinstance(spec, DeviceSpec):
        parts.append("\n".join(("```text", *capability_lines(spec), "```")))
    return "\n\n".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("quark-fields", Fields)
    app.add_directive("quark-extensions", Extensions)
    return {"parallel_read_safe": True}
