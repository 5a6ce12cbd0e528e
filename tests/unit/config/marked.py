"""Texts whose faults are marked «like this», so that a test shows what the user sees underlined."""

from __future__ import annotations

import re
from typing import get_args

from quark_core.config.load import Format, loads_config
from quark_core.errors import ConfigError, Place, Problem

FORMATS: tuple[Format, ...] = get_args(Format)
_MARK = re.compile("[«»]")


def problems_of(text: str, form: Format) -> tuple[Problem, ...]:
    """Return what is wrong with a text; nothing when it is right."""
    try:
        loads_config(text, form)
    except ConfigError as error:
        return error.problems
    return ()


def unmark(text: str) -> tuple[str, list[Place]]:
    """Return a text without its marks, and the places that were marked."""
    plain = _MARK.sub("", text)
    lines = plain.split("\n")
    places = []
    for number, line in enumerate(text.split("\n"), 1):
        seen = 0
        for match in re.finditer("«([^»]*)»", line):
            column = match.start() - seen + 1
            places.append(Place("<string>", number, column, max(1, len(match[1])), lines[number - 1]))
            seen += 2
    return plain, places
