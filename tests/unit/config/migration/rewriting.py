"""A text before and after some edits."""

from __future__ import annotations

from quark_core.config.migration.edits import Edit
from quark_core.config.migration.rewrite import rewritten
from quark_core.config.migration.steps import History, Step
from quark_core.config.reading.formats import read


def after(text: str, form: str, *edits: Edit) -> str:
    """Return what one step from version 1 to 2 makes of a text."""
    return rewritten(read(text, form, "x"), History((Step(1, edits),), 2)).after
