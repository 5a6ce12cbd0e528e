"""Migrates the text of a config: what is not changed stays as it was, byte for byte."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

from quark_core.config.migration.actions import AddKeys, Conflict, Data, Round, SetValue, apply
from quark_core.config.migration.data import make
from quark_core.config.migration.edits import Edit
from quark_core.config.migration.steps import History, Step, declared, shipped
from quark_core.config.migration.text.patches import Refused
from quark_core.config.migration.text.state import Text
from quark_core.config.reading.document import Document
from quark_core.errors import ConfigError, Problem


@dataclass(frozen=True)
class Rewritten:
    """A text before and after; ``steps`` were made, none when it was current."""

    before: str
    after: str
    version: int
    """Version that the text was in."""
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class _Stamp:
    """Says the version, as an edit."""

    version: int

    def rounds(self, data: Data) -> list[Round]:
        if "version" in data:
            return [[SetValue(("version",), self.version)]]
        return [[AddKeys((), {"version": self.version}, first=True)]]

    def __str__(self) -> str:
        return f"write version: {self.version}"


def rewritten(document: Document, history: History | None = None) -> Rewritten:
    """Return a document's text in the current version, which means what ``data.migrated`` makes of its data.

    The document must have been read without problems and be of the current or an older version. Raises ConfigError
    where a step cannot be made, or not without losing comments or touching what it should not; the problem then lists
    what is to be done by hand.
    """
    history = history or shipped()
    version = declared(document.value)
    before = document.source.text
    if version is None or not history.is_older(version):
        return Rewritten(before, before, history.current if version is None else version, ())
    steps = tuple(history.since(version))
    text = Text(document)
    for step in steps:
        text = _stepped(text, step, document)
    return Rewritten(before, text.document.source.text, version, steps)


def _stepped(text: Text, step: Step, original: Document) -> Text:
    edits: tuple[Edit, ...] = (*step.edits, _Stamp(step.version + 1))
    expected = deepcopy(text.data)
    try:
        make(expected, Step(step.version, edits))
    except Conflict as conflict:
        raise ConfigError([_conflict(conflict, text, step, original)]) from conflict
    try:
        return _at_anchors(text, edits, expected) or _apart(text, edits)
    except Refused as refused:
        message = f"step {step.version} to {step.version + 1} cannot be made in this layout: {refused}"
        fix = f"by hand: {'; '.join(map(str, edits))}"
        raise ConfigError([original.fault(("version",), message, fix, code="migration")]) from refused


def _conflict(conflict: Conflict, text: Text, step: Step, original: Document) -> Problem:
    if text.document is original:
        return original.fault(conflict.path, conflict.message, conflict.fix, code="migration", at_key=True)
    # Earlier steps, which are not written yet, have moved things.
    where = Problem("", path=conflict.path).dotted
    message = f"once it is version {step.version}: {where} {conflict.message}"
    return original.fault(("version",), message, conflict.fix, code="migration")


def _at_anchors(text: Text, edits: tuple[Edit, ...], expected: Data) -> Text | None:
    # What several places share is changed once, where it is written; often that is what is meant for all of them.
    new = text
    try:
        for edit in edits:
            for actions in edit.rounds(new.data):
                new = new.made(actions)
        return new.checked(expected, text)
    except (Conflict, Refused):
        return None


def _apart(text: Text, edits: tuple[Edit, ...]) -> Text:
    # Edit by edit; where that would change more than is meant, what several places share is written out first.
    for edit in edits:
        for actions in edit.rounds(deepcopy(text.data)):
            expected = deepcopy(text.data)
            apply(expected, actions)
            try:
                text = text.made(actions).checked(expected, text)
            except Refused:
                text = text.written_out(actions).made(actions).checked(expected, text)
    return text
