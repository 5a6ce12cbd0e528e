"""How much an object holds."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any


def values_held(thing: Any, _seen: dict[int, Any] | None = None) -> int:
    """Return the number of values in the tensors, arrays and containers that are reachable through attributes."""
    # The things themselves are kept: what `vars` makes anew would else leave its id to the next one.
    seen = {} if _seen is None else _seen
    if id(thing) in seen:
        return 0
    seen[id(thing)] = thing
    if callable(numel := getattr(thing, "numel", None)):
        return int(numel())
    if isinstance(size := getattr(thing, "nbytes", None), int):
        return size
    if isinstance(thing, Mapping):
        return sum(values_held(part, seen) for part in thing.values())
    if isinstance(thing, list | tuple | Set):
        return len(thing) + sum(values_held(part, seen) for part in thing)
    return values_held(vars(thing), seen) if hasattr(thing, "__dict__") else 0
