"""A text between two rounds of actions, with what can change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from quark_core.config.migration.actions import Action, AddKeys, RemoveKeys, Round, SetValue, same
from quark_core.config.migration.text.editors import editor
from quark_core.config.migration.text.patches import Editor, Patch, Refused, patched
from quark_core.config.reading.document import Document, Path
from quark_core.config.reading.formats import read


class Text:
    """A document that was read without problems."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @property
    def data(self) -> Any:
        """What the text says."""
        return self.document.value

    @cached_property
    def _editor(self) -> Editor:
        return editor(self.document)

    @property
    def _comments(self) -> Counter[str]:
        text = self.document.source.text
        return Counter(text[start:end].rstrip() for start, end in self._editor.comments())

    def made(self, actions: Round) -> Text:
        """Return the text with actions made where things are written. Raises Refused."""
        if not actions:
            return self
        scattered = [a for a in actions if isinstance(a, SetValue) and not self._editor.can_set(a.path)]
        if scattered:
            return self._set_scattered([a for a in actions if a not in scattered], scattered)
        return self._patched([patch for action in actions for patch in self._editor.patches(action)])

    def written_out(self, actions: Round) -> Text:
        """Return the text with what actions would change along with others written out. Raises Refused."""
        patches = self._editor.apart(actions)
        if not patches:
            return self
        alone = self._patched(patches)
        if not same(alone.data, self.data):
            raise Refused("an alias cannot be written out")
        # An alias that is written out may stand in what another one stands for: again until none is touched.
        return alone.written_out(actions)

    def checked(self, data: Any, old: Text) -> Text:
        """Return this text. Raises Refused when it does not say ``data``, or lacks comments of an older state."""
        if not same(self.data, data):
            raise Refused("more would change than should")
        if old._comments - self._comments:
            raise Refused("a comment would be lost")
        return self

    def _set_scattered(self, others: Round, scattered: list[SetValue]) -> Text:
        # A value that stands in several pieces goes, and its successor is added.
        values: dict[Path, dict[str, Any]] = {}
        for action in scattered:
            if not isinstance(action.path[-1], str):
                raise Refused("a table in an array stands in several pieces")
            values.setdefault(action.path[:-1], {})[action.path[-1]] = action.value
        gone: list[Action] = [RemoveKeys(parent, tuple(new)) for parent, new in values.items()]
        added: list[Action] = [AddKeys(parent, new) for parent, new in values.items()]
        return self.made(others).made(gone).made(added)

    def _patched(self, patches: Sequence[Patch]) -> Text:
        source = self.document.source
        document = read(patched(source.text, patches), source.format, source.file)
        if document.problems:
            raise Refused(f"the result could not be read: {document.problems[0].message}")
        return Text(document)
