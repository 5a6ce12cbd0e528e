"""Actions on TOML texts: tables, arrays of tables, dotted keys and inline tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from quark_core.config.migration.actions import Action, AddKeys, RemoveKeys, RenameKey, SetValue
from quark_core.config.migration.text.flow import Flow, Item
from quark_core.config.migration.text.lines import Lines
from quark_core.config.migration.text.patches import Patch, Refused
from quark_core.config.migration.text.scalars import like, toml_key, toml_value
from quark_core.config.migration.text.toml_tree import Pair, Part, Section, Tree, Value
from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.source import Span

_Holder = TypeVar("_Holder", Section, Pair)


class TomlEditor:
    """Changes a thing wherever its name stands: in headers, dotted keys and inline tables."""

    def __init__(self, document: Document) -> None:
        self._tree = Tree(document.source.text)
        self._lines = Lines(document.source.text, self._tree.comments)

    def comments(self) -> Sequence[Span]:
        """Return where the comments stand, in the order of the text."""
        return self._tree.comments

    def can_set(self, path: Path) -> bool:
        """Return whether a value stands behind an equals sign or in an array; a table may lie all over the text."""
        return path in self._tree.values

    def apart(self, actions: Sequence[Action]) -> Sequence[Patch]:
        """Return nothing: everything stands in its own place."""
        del actions
        return ()

    def patches(self, action: Action) -> Sequence[Patch]:
        """Return what an action changes. Raises Refused."""
        if isinstance(action, SetValue):
            return [self._set(action)]
        if isinstance(action, RenameKey):
            return [self._named(part, action.key) for part in self._tree.parts(action.path)]
        if isinstance(action, RemoveKeys):
            return list(self._removed(action.parent, {(*action.parent, key) for key in action.keys}))
        return [self._added(action)]

    def _named(self, part: Part, key: str) -> Patch:
        return Patch(*part.span, like(self._lines.text[slice(*part.span)], key, toml_key))

    def _set(self, action: SetValue) -> Patch:
        value = self._tree.values[action.path]
        text = toml_value(action.value)
        if isinstance(action.value, str) and not self._lines.text.startswith(('"""', "'''"), value.span[0]):
            old = self._lines.text[slice(*value.span)]
            text = like(old, action.value, toml_value)
        follows = self._lines.after_blanks(value.span[1])
        if follows == self._lines.end(follows) or self._lines.text[follows] == "#":
            return self._lines.instead(*value.span, text)
        return Patch(value.span[0], value.span[1], text + self._beside(value.span))

    def _beside(self, span: Span) -> str:
        breaks = self._lines.newline + self._lines.indent(span[0])
        return "".join(f" {comment}{breaks}" for comment in self._lines.inside(*span))

    def _removed(self, parent: Path, gone: set[Path]) -> Iterator[Patch]:
        sections = _once(section for path in gone for section in self._tree.headers.get(path, ()))
        inside = {id(pair) for section in sections for pair in section.pairs}
        pairs = _once(pair for path in gone for pair in self._tree.pairs.get(path, ()))
        lost = [*(section.parts for section in sections), *(pair.parts for pair in pairs)]
        keeper = self._keeper(parent, lost)
        for section in sections:
            yield self._emptied(section, parent) if section.parts is keeper else self._lines.cut(*section.span)
            yield from (self._lines.cut(*pair.span) for pair in section.pairs)
        inline: dict[int, tuple[Value, set[int]]] = {}
        for pair in pairs:
            if pair.parts is keeper:
                yield Patch(_part(pair.parts, parent).span[1], pair.span[1], " = {}")
            elif pair.around is not None and not _leads_value(pair.around, gone):
                inline.setdefault(id(pair.around), (pair.around, set()))[1].add((pair.around.pairs or []).index(pair))
            elif pair.around is None and id(pair) not in inside:
                yield self._lines.cut(*pair.span)
        for value, indexes in inline.values():
            yield from self._flow(value).removals(indexes)

    def _keeper(self, parent: Path, lost: Sequence[list[Part]]) -> list[Part] | None:
        # A table that only dotted names imply would go with the last of them.
        gone = {id(part) for parts in lost for part in parts}
        if not parent or not isinstance(parent[-1], str):
            return None
        if any(id(part) not in gone for part in self._tree.parts(parent)):
            return None
        return next((parts for parts in lost if any(part.path == parent for part in parts)), None)

    def _emptied(self, section: Section, parent: Path) -> Patch:
        return Patch(_part(section.parts, parent).span[1], section.parts[-1].span[1], "")

    def _added(self, action: AddKeys) -> Patch:
        value = self._tree.values.get(action.parent)
        if value is not None and value.pairs is not None:
            return self._flow(value).insertion(_entries(action.values, ""), first=action.first)
        if dotted := [pair for pair in self._tree.pairs.get(action.parent, ()) if pair.path != action.parent]:
            return self._beside_dotted(dotted[-1], action)
        section = self._tree.section(action.parent)
        if section is None:
            return self._implied(action)
        lines = [f"{key} = {text}" for key, text in _entries(action.values, "")]
        if not section.parts and (action.first or not section.pairs):
            return self._at_the_top(section, lines)
        if section.pairs:
            last = section.pairs[-1]
            indent = self._lines.indent(last.span[0])
            return self._lines.below(last.span[1], [indent + line for line in lines])
        return self._lines.below(section.span[1], lines)

    def _at_the_top(self, section: Section, lines: Sequence[str]) -> Patch:
        if section.pairs:
            return self._lines.above(section.pairs[0].span[0], lines)
        if len(self._tree.sections) > 1:
            return self._lines.above(self._tree.sections[1].span[0], [*lines, ""])
        return self._lines.below(len(self._lines.text), lines)

    def _beside_dotted(self, pair: Pair, action: AddKeys) -> Patch:
        prefix = self._lines.text[pair.span[0] : _part(pair.parts, action.parent).span[1]] + "."
        entries = _entries(action.values, prefix)
        if pair.around is not None:
            return self._flow(pair.around).insertion(entries, first=False)
        indent = self._lines.indent(pair.span[0])
        return self._lines.below(pair.span[1], [f"{indent}{key} = {value}" for key, value in entries])

    def _implied(self, action: AddKeys) -> Patch:
        # A header that only deeper ones imply is written above the first of them.
        for section in self._tree.headers.get(action.parent, ())[:1]:
            name = self._lines.text[section.parts[0].span[0] : _part(section.parts, action.parent).span[1]]
            lines = [f"{key} = {value}" for key, value in _entries(action.values, "")]
            return self._lines.above(section.span[0], [f"[{name}]", *lines, ""])
        raise Refused("the table to add to is not found where it is written")

    def _flow(self, value: Value) -> Flow:
        pairs = value.pairs or []
        items = [Item(*pair.span, self._lines.text[pair.parts[-1].span[1] : pair.value.span[0]]) for pair in pairs]
        return Flow(self._lines, (value.span[0] + 1, value.span[1] - 1), items, " = ")


def _once(found: Iterable[_Holder]) -> list[_Holder]:
    # In the order of the text.
    return sorted({id(one): one for one in found}.values(), key=lambda one: one.span)


def _leads_value(value: Value, gone: set[Path]) -> bool:
    return any(value.path[: depth + 1] in gone for depth in range(len(value.path)))


def _part(parts: Sequence[Part], path: Path) -> Part:
    return next(part for part in parts if part.path == path)


def _entries(values: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    return [(prefix + toml_key(key), toml_value(value)) for key, value in values.items()]
