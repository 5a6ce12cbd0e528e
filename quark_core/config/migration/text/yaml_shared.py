"""What stands once in a YAML text and counts in several places: aliases and merge keys, to be written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from quark_core.config.migration.actions import Action, RemoveKeys, RenameKey, SetValue, value_at
from quark_core.config.migration.text.lines import Lines
from quark_core.config.migration.text.patches import Patch
from quark_core.config.migration.text.scalars import yaml_text, yaml_value
from quark_core.config.migration.text.yaml_tree import Pair, Tree, pairs
from quark_core.config.reading.document import Path
from quark_core.config.reading.yaml_nodes import Node


class Shared:
    """Finds the aliases that an action meets, and writes out what they stand for."""

    def __init__(
        self, tree: Tree, lines: Lines, data: Any, without: Callable[[Node, Sequence[Pair]], Iterator[Patch]]
    ) -> None:
        self._tree = tree
        self._lines = lines
        self._data = data
        self._without = without

    def on_the_way(self, action: Action) -> Iterator[Patch]:
        """Yield what writes out the first alias on the way to what an action changes."""
        node = self._tree.root
        here: Path = ()
        for part in _way(action):
            if node.kind == "alias":
                break
            if isinstance(part, str):
                place, pair = self._tree.pair(node, part)
                if place is not node:
                    yield from self._unmerged(here, node)
                    return
                node = pair.value
            else:
                node = node.items[part]
            here = (*here, part)
        if node.kind == "alias":
            yield Patch(*node.span, yaml_value(value_at(self._data, here)))
        elif any(self._tree.inherits(node, name) for name in _names(action)):
            yield from self._unmerged(here, node)

    def elsewhere(self, patches: Sequence[Patch]) -> Iterator[Patch]:
        """Yield what writes out the aliases of what ``patches`` change."""
        for path, node, around in self._tree.walk():
            if node.target is None or not self._touched(node.target, patches):
                continue
            if around is None:
                yield Patch(*node.span, yaml_value(value_at(self._data, path)))
            else:
                yield from self._unmerged(path, around)

    def _touched(self, node: Node, patches: Sequence[Patch]) -> bool:
        start, end = node.span[0], self._tree.end(node)
        if not self._tree.is_flow(node) and node.items:
            # What is added to a block stands below its last line.
            end = self._lines.end(end)
        return any(patch.start <= end and (start < patch.end or start <= patch.start) for patch in patches)

    def _unmerged(self, path: Path, mapping: Node) -> Iterator[Patch]:
        own = {pair.name for pair in pairs(mapping) if not pair.merges}
        pair = next(pair for pair in pairs(mapping) if pair.merges)
        data = value_at(self._data, path)
        texts = [f"{yaml_text(key)}: {yaml_value(value)}" for key, value in data.items() if key not in own]
        if not texts:
            yield from self._without(mapping, [pair])
            return
        start, end = pair.key.span[0], self._tree.end(pair.value)
        between = ", " if self._tree.is_flow(mapping) else self._lines.newline + self._lines.indent(start)
        yield Patch(start, end, between.join(texts))


def _way(action: Action) -> Path:
    if isinstance(action, SetValue):
        return action.path
    return action.path[:-1] if isinstance(action, RenameKey) else action.parent


def _names(action: Action) -> Sequence[str]:
    if isinstance(action, RenameKey):
        return [str(action.path[-1])]
    return action.keys if isinstance(action, RemoveKeys) else ()
