"""Which model describes the object at a path of a config, for "did you mean"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from quark_core.config.choice import Chosen
from quark_core.config.models import QuantConfig
from quark_core.plugin.specs import DtypeSpec
from quark_core.registry import current


def value_at(data: Any, path: Sequence[str | int]) -> Any:
    """Return the part of raw data at a path; None where there is none."""
    for part in path:
        known: Any = data if isinstance(data, Mapping) else range(len(data)) if isinstance(data, list) else ()
        if part not in known:
            return None
        data = data[part]
    return data


def field_names(data: Any, path: Sequence[str | int]) -> list[str]:
    """Return the fields that the object at ``path`` may have; empty where nothing is known about it."""
    model = model_at(data, path)
    return [info.alias or name for name, info in model.model_fields.items()] if model else []


def model_at(data: Any, path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the model of the object at ``path``: one of the config's, or the options of what the object names."""
    model: type[BaseModel] | None = QuantConfig
    for index, part in enumerate(path):
        if isinstance(part, int) or model is None:
            continue
        info = next((f for name, f in model.model_fields.items() if part == (f.alias or name)), None)
        model = _inner(info, value_at(data, path[: index + 1])) if info else None
    return model


def _inner(info: FieldInfo, value: Any) -> type[BaseModel] | None:
    parts = [*info.metadata, *_parts(info.annotation)]
    chosen = next((part for part in parts if isinstance(part, Chosen)), None)
    if chosen is not None:
        return _options(chosen.kind, value.get("name") if isinstance(value, Mapping) else value)
    return next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _options(kind: str, name: Any) -> type[BaseModel] | None:
    spec = current().specs(kind).get(name) if isinstance(name, str) else None
    return None if spec is None or isinstance(spec, DtypeSpec) else spec.options
