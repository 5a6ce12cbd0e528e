"""The field marker for what plugins define: it reads the registry when it validates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema, to_json

from quark_core.plugin.options import Options
from quark_core.plugin.specs import DtypeSpec
from quark_core.registry import Registry, current, needs_options

MARKER = "x-quark-choice"
"""JSON Schema keyword that stands for a choice until ``quark_core.config.schema`` writes it out."""

UNKNOWN_NAME = "unknown_name"


@dataclass(frozen=True)
class Chosen:
    """Marks a field whose value is the name of an extension, or its options: ``Annotated[str, Chosen("dtype")]``."""

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate against the registry in use; serialize options without values as the bare name."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            self._validate, serialization=core_schema.plain_serializer_function_ser_schema(_dump)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the marker."""
        del schema, handler
        return {MARKER: self.kind}

    def _validate(self, value: Any) -> str | Options:
        registry = current()
        if self.kind == DtypeSpec.kind:
            if isinstance(value, str):
                return self._known(registry, value)
            raise PydanticCustomError("string_type", "Input should be the name of a dtype")
        if isinstance(value, str):
            return self._bare(registry, self._known(registry, value))
        if isinstance(value, Options):
            return self._made(registry, value)
        if isinstance(value, Mapping):
            return self._read(registry, value)
        raise PydanticCustomError("choice_type", "Input should be the name of {kind}, or its options", self._article())

    def _known(self, registry: Registry, name: str) -> str:
        plain = str(name)
        if plain not in registry.specs(self.kind):
            raise PydanticCustomError(UNKNOWN_NAME, "{text}", {"text": registry.explain(self.kind, plain)})
        return plain

    def _bare(self, registry: Registry, name: str) -> str:
        spec = registry.get(self.kind, name)
        if needs_options(spec) and not isinstance(spec, DtypeSpec):
            needed = [f for f, info in spec.options.model_fields.items() if info.is_required()]
            raise PydanticCustomError(
                "options_missing",
                "{kind} {name} needs options: {needed}",
                {"kind": self.kind, "name": repr(name), "needed": ", ".join(needed)},
            )
        return name

    def _made(self, registry: Registry, value: Options) -> Options:
        spec = registry.get(self.kind, self._known(registry, value.name))
        if isinstance(spec, DtypeSpec) or not isinstance(value, spec.options):
            raise PydanticCustomError(
                "options_type", "{name} is not the option class of this {kind}", {"name": value.name, "kind": self.kind}
            )
        return value

    def _read(self, registry: Registry, value: Mapping[str, Any]) -> str | Options:
        name = value.get("name")
        if name is None:
            raise _at_name("missing", "{kind} options need a name", {"kind": self.kind}, value)
        if not isinstance(name, str):
            raise _at_name("string_type", "Input should be a valid string", {}, name)
        try:
            spec = registry.get(self.kind, self._known(registry, name))
        except PydanticCustomError as error:
            raise _at_name(error.type, "{text}", {"text": error.message()}, name) from error
        if isinstance(spec, DtypeSpec):
            raise TypeError(f"{self.kind} {name!r} is a dtype")
        options = _parsed(spec.options, value)
        return name if options.model_fields_set <= {"name"} else options

    def _article(self) -> dict[str, str]:
        return {"kind": f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"}


def _parsed(options: type[Options], value: Mapping[str, Any]) -> Options:
    # Files hold JSON data, where a tuple is a list and an enum a string; strict models take these from JSON only.
    try:
        text = to_json(_whole(value), inf_nan_mode="constants")
    except ValueError:
        return options.model_validate(dict(value))
    return options.model_validate_json(text)


def _whole(value: Any) -> Any:
    # JSON Schema counts 16.0 as an integer, so options do too; a float field takes integers.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list | tuple) else value


def _at_name(code: str, template: str, context: dict[str, Any], value: Any) -> ValidationError:
    # A ValidationError keeps its own location below the field's: the mark lands on `observer.name`.
    error = PydanticCustomError(code, template, context or None)
    return ValidationError.from_exception_data("choice", [{"type": error, "loc": ("name",), "input": value}])


def _dump(value: str | Options) -> Any:
    if isinstance(value, Options):
        return {"name": value.name, **value.model_dump(mode="json", exclude_unset=True)}
    return value
