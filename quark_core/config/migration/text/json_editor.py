"""Actions on JSON texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from quark_core.config.migration.actions import Action, AddKeys, RemoveKeys, RenameKey, SetValue, value_at
from quark_core.config.migration.text.flow import Flow, Item
from quark_core.config.migration.text.lines import Lines
from quark_core.config.migration.text.patches import Patch
from quark_core.config.migration.text.scalars import json_value
from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.source import Span

_COLON = re.compile(r"\s*:\s*")


class JsonEditor:
    """Works by the places that the reader found; JSON has neither comments nor aliases."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._lines = Lines(document.source.text, ())

    def comments(self) -> Sequence[Span]:
        """Return nothing: JSON has no comments."""
        return ()

    def can_set(self, path: Path) -> bool:
        """Return True: every value stands in one piece."""
        return path in self._document.values

    def apart(self, actions: Sequence[Action]) -> Sequence[Patch]:
        """Return nothing: everything stands in its own place."""
        del actions
        return ()

    def patches(self, action: Action) -> Sequence[Patch]:
        """Return what an action changes."""
        if isinstance(action, SetValue):
            return [Patch(*self._document.values[action.path], json_value(action.value))]
        if isinstance(action, RenameKey):
            return [Patch(*self._document.keys[action.path], json_value(action.key))]
        flow = self._flow(action.parent)
        if isinstance(action, RemoveKeys):
            keys = list(self._keys(action.parent))
            return list(flow.removals({keys.index(key) for key in action.keys}))
        return [self._added(flow, action)]

    def _added(self, flow: Flow, action: AddKeys) -> Patch:
        entries = [(json_value(key), json_value(value)) for key, value in action.values.items()]
        return flow.insertion(entries, first=action.first)

    def _keys(self, path: Path) -> list[Any]:
        keys = value_at(self._document.value, path)
        return sorted(keys, key=lambda key: self._document.keys[*path, key])

    def _flow(self, path: Path) -> Flow:
        start, end = self._document.values[path]
        items = [self._item((*path, key)) for key in self._keys(path)]
        return Flow(self._lines, (start + 1, end - 1), items, ": ")

    def _item(self, path: Path) -> Item:
        key, value = self._document.keys[path], self._document.values[path]
        colon = self._lines.text[key[1] : value[0]]
        return Item(key[0], value[1], colon if _COLON.fullmatch(colon) and "\n" not in colon else ": ")
