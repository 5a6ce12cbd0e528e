"""Conditions on the fields of a config object: evaluated by the validator, written as ``if`` by the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from quark_core.plugin.options import Options

Values = Mapping[str, Any]
Value = str | int | bool | tuple[int, ...]


def plain(value: Any) -> Any:
    """Reduce what was given to what rules compare: enums to their value, options to their name, lists to tuples."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Options):
        return value.name
    if isinstance(value, Mapping):
        return value.get("name")
    if isinstance(value, list):
        return tuple(value)
    return value


@dataclass(frozen=True)
class Is:
    """The field has one of these values."""

    field: str
    values: tuple[Value, ...]

    def holds(self, values: Values) -> bool:
        """Return whether the condition is true of ``values``, in which defaults are filled in."""
        given = values.get(self.field)
        return any(given == value and isinstance(given, bool) == isinstance(value, bool) for value in self.values)

    def fields(self) -> frozenset[str]:
        """Return the fields that the condition reads."""
        return frozenset({self.field})


@dataclass(frozen=True)
class AllOf:
    """Every part holds; with no parts, always true."""

    parts: tuple[Condition, ...]

    def holds(self, values: Values) -> bool:
        """Return whether the condition is true of ``values``."""
        return all(part.holds(values) for part in self.parts)

    def fields(self) -> frozenset[str]:
        """Return the fields that the condition reads."""
        return frozenset().union(*(part.fields() for part in self.parts))


@dataclass(frozen=True)
class AnyOf:
    """Some part holds."""

    parts: tuple[Condition, ...]

    def holds(self, values: Values) -> bool:
        """Return whether the condition is true of ``values``."""
        return any(part.holds(values) for part in self.parts)

    def fields(self) -> frozenset[str]:
        """Return the fields that the condition reads."""
        return frozenset().union(*(part.fields() for part in self.parts))


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Condition

    def holds(self, values: Values) -> bool:
        """Return whether the condition is true of ``values``."""
        return not self.part.holds(values)

    def fields(self) -> frozenset[str]:
        """Return the fields that the condition reads."""
        return self.part.fields()


Condition = Is | AllOf | AnyOf | Not
ALWAYS = AllOf(())
