"""Config files in, configs out; every fault at once, each at its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from quark_core.config.faults.problems import model_problems, unique
from quark_core.config.faults.semantics import semantic_problems
from quark_core.config.migration.notices import outdated
from quark_core.config.models import QuantConfig
from quark_core.config.reading.document import NOTHING, Document
from quark_core.config.reading.files import read_file
from quark_core.config.reading.formats import FORMATS, read
from quark_core.errors import ConfigError, Place, Problem, UsageError
from quark_core.registry import Registry, current_for, use

Format = Literal["yaml", "json", "toml"]


def load_config(path: str | Path, *, registry: Registry | None = None) -> QuantConfig:
    """Return the config in a YAML, JSON or TOML file, which knows where each of its parts was written.

    Raises ConfigError, whose ``problems`` holds every fault in the order of the file.
    """
    return _made(read_file(path), registry)


def loads_config(
    text: str,
    format: Format,  # noqa: A002 - the public word for it
    *,
    file: str = "<string>",
    registry: Registry | None = None,
) -> QuantConfig:
    """Return the config in a text; ``file`` is its name in messages.

    Raises ConfigError, whose ``problems`` holds every fault in the order of the text, and UsageError for an unknown
    format.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    return _made(read(text, format, file), registry)


def check_file(path: str | Path, *, registry: Registry | None = None) -> tuple[Problem, ...]:
    """Return every fault of a config file in the order of the file; empty when it is right. Never raises."""
    return _checked(read_file(path), registry)[1]


def _made(document: Document, registry: Registry | None) -> QuantConfig:
    config, problems = _checked(document, registry)
    if config is None or problems:
        raise ConfigError(problems)
    return config.placed(_places(document, config))


def _checked(document: Document, registry: Registry | None) -> tuple[QuantConfig | None, tuple[Problem, ...]]:
    if document.value is NOTHING:
        return None, unique(document.problems)
    if old := outdated(document):
        # What else differs in an older version is no fault.
        return None, unique([*document.problems, old])
    config = None
    problems = list(document.problems)
    with use(registry or current_for(_texts(document.value))):
        try:
            config = QuantConfig.model_validate(document.value)
        except ValidationError as error:
            problems += model_problems(error, document)
        problems += semantic_problems(document)
    return config, unique(problems)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _places(document: Document, config: QuantConfig) -> dict[tuple[str | int, ...], Place]:
    places = document.places()
    for index, layer in enumerate(config.layers):
        # A lone pattern is found like the first of a list.
        lone = ("layers", index, "match")
        if len(layer.patterns) == 1 and (*lone, 0) not in places:
            places[*lone, 0] = document.at(lone)
    return places
