"""Actions on YAML texts: blocks, brackets, aliases and merge keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quark_core.config.migration.actions import Action, AddKeys, RemoveKeys, RenameKey, SetValue
from quark_core.config.migration.text.flow import Flow, Item
from quark_core.config.migration.text.lines import Lines
from quark_core.config.migration.text.patches import Patch, Refused
from quark_core.config.migration.text.scalars import like, yaml_text, yaml_value
from quark_core.config.migration.text.yaml_block import Block
from quark_core.config.migration.text.yaml_shared import Shared
from quark_core.config.migration.text.yaml_tree import Pair, Tree, pairs
from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.source import Span
from quark_core.config.reading.yaml_nodes import Node


class YamlEditor:
    """Changes a thing where it is written: at the anchor, for all its aliases."""

    def __init__(self, document: Document) -> None:
        self._data = document.value
        self._tree = Tree(document)
        self._comments = self._tree.comments()
        self._lines = Lines(document.source.text, self._comments)

    def comments(self) -> Sequence[Span]:
        """Return where the comments stand, in the order of the text."""
        return self._comments

    def can_set(self, path: Path) -> bool:
        """Return True: every value stands in one piece."""
        del path
        return True

    def patches(self, action: Action) -> Sequence[Patch]:
        """Return what an action changes. Raises Refused."""
        if isinstance(action, SetValue):
            return [self._set(action)]
        if isinstance(action, RenameKey):
            return [self._renamed(action)]
        mapping = self._tree.at(action.parent)
        if isinstance(action, RemoveKeys):
            return list(self._removed(mapping, action.keys))
        return [self._added(mapping, action)]

    def _renamed(self, action: RenameKey) -> Patch:
        _, pair = self._tree.pair(self._tree.at(action.path[:-1]), str(action.path[-1]))
        if pair.key.kind == "alias" or self._tree.content(pair.key) != pair.key.span[0]:
            raise Refused("a key has an anchor, an alias or a tag")
        written = self._lines.text[slice(*pair.key.span)]
        return Patch(*pair.key.span, like(written, action.key, yaml_text))

    def _set(self, action: SetValue) -> Patch:
        node = self._tree.at(action.path)
        start, end = self._tree.content(node), self._tree.end(node)
        text = yaml_value(action.value)
        if node.kind == "scalar":
            return self._set_scalar(action, node, (start, end), text)
        if self._tree.is_flow(node) and not self._lines.blank_before(start):
            return self._flow(node).replaced(start, end, text)
        return Block(self._lines, self._tree, node).replaced(text)

    def _set_scalar(self, action: SetValue, node: Node, span: Span, text: str) -> Patch:
        tree, (start, end) = self._tree, span
        if start == end:
            if not isinstance(action.path[-1], str):
                raise Refused("an item of a list is empty")
            _, pair = tree.pair(tree.at(action.path[:-1]), action.path[-1])
            here = tree.behind_colon(pair)
            return Patch(here, here, f" {text}")
        if isinstance(action.value, str):
            text = like(self._lines.text[start:end], action.value, yaml_text)
        # A tag says what the old value was; an anchor is kept for its aliases.
        anchor = " ".join(part for part in self._lines.text[node.span[0] : start].split() if part.startswith("&"))
        header = self._lines.inside(start, end)
        return Patch(node.span[0], end, " ".join([*filter(None, [anchor]), text, *header]))

    def _removed(self, mapping: Node, keys: Sequence[str]) -> Iterator[Patch]:
        by_place: dict[int, tuple[Node, list[Pair]]] = {}
        for key in keys:
            place, pair = self._tree.pair(mapping, key)
            by_place.setdefault(id(place), (place, []))[1].append(pair)
        for place, gone in by_place.values():
            yield from self._without(place, gone)

    def _without(self, mapping: Node, gone: Sequence[Pair]) -> Iterator[Patch]:
        starts = {pair.key.span for pair in gone}
        indexes = {index for index, pair in enumerate(pairs(mapping)) if pair.key.span in starts}
        if self._tree.is_lone_pair(mapping):
            raise Refused("a pair in a list has no braces")
        if self._tree.is_flow(mapping):
            yield from self._flow(mapping).removals(indexes)
        else:
            yield from Block(self._lines, self._tree, mapping).removals(indexes)

    def _added(self, mapping: Node, action: AddKeys) -> Patch:
        entries = [(yaml_text(key), yaml_value(value)) for key, value in action.values.items()]
        if self._tree.is_lone_pair(mapping):
            raise Refused("a pair in a list has no braces")
        if self._tree.is_flow(mapping):
            return self._flow(mapping).insertion(entries, first=action.first)
        return Block(self._lines, self._tree, mapping).insertion(entries, first=action.first)

    def _flow(self, node: Node) -> Flow:
        start, end = self._tree.content(node), node.span[1]
        items = [self._item(pair) for pair in pairs(node)] if node.kind == "mapping" else []
        return Flow(self._lines, (start + 1, end - 1), items, ": ")

    def _item(self, pair: Pair) -> Item:
        text, value = self._lines.text, pair.value
        colon = text[pair.key.span[1] : value.span[0]]
        # Only behind quotes may a value follow the colon at once.
        imitable = colon.strip(" ") == ":" and colon.endswith(" ")
        return Item(self._tree.start(pair), self._tree.end_of(pair), colon if imitable else ": ")

    def apart(self, actions: Sequence[Action]) -> Sequence[Patch]:
        """Return what writes out the aliases and merge keys that stand between ``actions`` and what they mean."""
        shared = Shared(self._tree, self._lines, self._data, self._without)
        found = [patch for action in actions for patch in shared.on_the_way(action)]
        return found or list(shared.elsewhere([patch for action in actions for patch in self.patches(action)]))
