"""What no schema can say: whether regular expressions compile, and what ``requires`` asks for is installed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

from quark_core.config.reading.document import Document, Path
from quark_core.errors import Problem

_LONGEST = 1000


def semantic_problems(document: Document) -> list[Problem]:
    """Return what is wrong in the raw data, whether or not the model takes the rest."""
    data = document.value
    if not isinstance(data, dict):
        return []
    problems = [p for path, text in _patterns(data) if (p := _bad_pattern(document, path, text))]
    requires = data.get("requires")
    texts = [(("requires", i), text) for i, text in enumerate(_list(requires)) if isinstance(text, str)]
    if texts:
        from quark_core.config.faults.requirements import bad_requirement

        problems += [p for path, text in texts if (p := bad_requirement(document, path, text))]
    return problems


def _patterns(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for index, entry in enumerate(_list(data.get("layers"))):
        match = entry.get("match") if isinstance(entry, dict) else None
        if isinstance(match, str):
            yield ("layers", index, "match"), match
        for number, text in enumerate(_list(match)):
            yield ("layers", index, "match", number), text
    for index, text in enumerate(_list(data.get("exclude"))):
        yield ("exclude", index), text


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _bad_pattern(document: Document, path: Path, text: Any) -> Problem | None:
    if not isinstance(text, str) or not text.startswith("re:"):
        return None
    if len(text) > _LONGEST:
        message = f"a regular expression is longer than {_LONGEST} characters"
        return document.fault(path, message, "write several patterns", code="limit")
    try:
        with warnings.catch_warnings():
            # What Python may some day read differently is no fault of the config today.
            warnings.simplefilter("ignore")
            re.compile(text.removeprefix("re:"))
    except (re.error, RecursionError, OverflowError) as error:
        message = f"not a regular expression: {str(error)[:200]}"
        return document.fault(path, message, "escape special characters with a backslash", code="regex")
    return None
