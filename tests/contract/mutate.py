"""Small damage to configs: the neighbours that a validator gets wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.capability import ROLES
from quark_core.registry import Registry

Data = Any
Path = tuple[str | int, ...]

JUNK: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 16, 32, 32.0, 16.5, 1.0, -8, 7, 8, -9, 64.0, 99.9, 100, 101, 0.0, 1e300,
    "", "1", "true", "int8", "name", "a:b", "glob:", "glob:x", "type:Linear", "re:.*", "x\n", "x\r\n", "é",
    [], [1], ["int8"], [[]], ["a", "a"], ["weight"], ["a:b"], {}, {"name": "min_max"}, {"name": 1}, {"name": None},
    {"name": "percentile", "percentile": 50}, {"name": "percentile", "percentile": 99}, {"dtype": "int8"}, {"x": {}},
)  # fmt: skip


class Mutator:
    """Damages configs with the names that a registry holds."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - no secret hangs on it
        self.names = {
            kind: sorted(registry.specs(kind)) for kind in ("dtype", "observer", "rounding", "device", "mode")
        }
        self.values: dict[str, list[Any]] = {
            "dtype": self.names["dtype"],
            "qscheme": [q.value for q in QSchemeType],
            "scale_type": [s.value for s in ScaleType],
            "symmetric": [True, False],
            "is_dynamic": [True, False],
            "ch_axis": [0, -1, 3, 1.0],
            "group_size": [16, 32, 64, 32.0],
            "observer": [*self._both("observer"), *OBSERVERS],
            "round_method": self._both("rounding"),
            "device": self._both("device"),
            "mode": self._both("mode"),
            "match": ["fc", ["fc", "glob:x"], "type:Linear"],
            "skip": [["weight"], []],
            "layers": [[], [{"match": "x", "weight": {"dtype": "int8"}}]],
            "version": [1, 1.0],
        }
        self.keys = [*self.values, *ROLES, "exclude", "requires", "calibration", "batches", "$schema", "name", "bins"]

    def _both(self, kind: str) -> list[Any]:
        return [*self.names[kind], *({"name": name} for name in self.names[kind])]

    def damage(self, config: Data) -> Data:
        """Return a copy with one to three changes."""
        data = copy.deepcopy(config)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            change: Callable[[Data], None] = self.random.choice(
                (
                    self._replace,
                    self._revalue,
                    self._revalue,
                    self._add,
                    self._add,
                    self._drop,
                    self._rename,
                    self._swap,
                )
            )
            change(data)
        return data

    def _objects(self, data: Data) -> list[dict[str, Any]]:
        return [node for _, node in nodes(data) if isinstance(node, dict)]

    def _replace(self, data: Data) -> None:
        # Any value anywhere becomes something of another kind.
        places = [(path, parent) for path, parent in parents(data)]
        if places:
            key, parent = self.random.choice(places)
            parent[key] = copy.deepcopy(self.random.choice(JUNK))

    def _revalue(self, data: Data) -> None:
        # A field gets another value that is valid somewhere, so that cross-field rules decide.
        places = [(key, node) for node in self._objects(data) for key in node if key in self.values]
        if places:
            key, node = self.random.choice(places)
            node[key] = copy.deepcopy(self.random.choice(self.values[key]))

    def _add(self, data: Data) -> None:
        node = self.random.choice(self._objects(data))
        tensor = "dtype" in node
        fields = [k for k in self.values if k in TENSOR_FIELDS] if tensor else self.keys
        key = self.random.choice([*fields, "unknown"])
        if key in ROLES:
            node[key] = {"dtype": self.random.choice(self.names["dtype"])}
        else:
            node[key] = copy.deepcopy(self.random.choice(self.values.get(key, list(JUNK))))

    def _drop(self, data: Data) -> None:
        places = [(key, node) for node in self._objects(data) for key in node]
        if places:
            key, node = self.random.choice(places)
            del node[key]

    def _rename(self, data: Data) -> None:
        places = [(key, node) for node in self._objects(data) for key in node]
        if places:
            key, node = self.random.choice(places)
            node[self.random.choice([key + "s", key.upper(), *self.keys])] = node.pop(key)

    def _swap(self, data: Data) -> None:
        places = list(parents(data))
        if len(places) > 1:
            (a, first), (b, second) = self.random.sample(places, 2)
            first[a], second[b] = copy.deepcopy(second[b]), copy.deepcopy(first[a])


TENSOR_FIELDS = frozenset(
    ("dtype", "qscheme", "scale_type", "symmetric", "is_dynamic", "ch_axis", "group_size", "observer", "round_method")
)

OBSERVERS: tuple[Any, ...] = (
    {"name": "moving_average", "momentum": 0},
    {"name": "moving_average", "momentum": 1},
    {"name": "percentile", "percentile": 99.0},
    {"name": "percentile", "momentum": 0.5},
    {"name": "acme.histogram", "bins": 64},
    {"name": "acme.histogram", "bins": 64.0, "range": [0, 1], "metric": "kl"},
    {"name": "acme.histogram", "bins": 64, "range": [0, 1, 2]},
    {"name": "acme.histogram", "bins": 64, "range": [0]},
    {"name": "acme.histogram", "bins": 64, "metric": "mae"},
    {"name": "acme.histogram", "bins": 64, "window": {"length": 4.0}},
    {"name": "acme.histogram", "bins": 64, "window": {"length": 0}},
    {"name": "acme.histogram", "bins": 64, "notes": {"a": 1.0, "b": "x"}},
    {"name": "acme.histogram", "bins": 64, "notes": {"a": True}},
    {"name": "acme.histogram"},
    {"name": "acme.ema", "momentum": None},
    {"name": "acme.ema", "momentum": 1},
)


def nodes(data: Data, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value in ``data`` and where it stands."""
    yield at, data
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from nodes(value, (*at, key))


def parents(data: Data) -> Iterator[tuple[Any, Any]]:
    """Yield every key or index and the container that it is of."""
    for _, node in nodes(data):
        items = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in items:
            yield key, node
