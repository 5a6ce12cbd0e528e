"""What pydantic and the rules found, as problems for people: with words, places and fixes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from quark_core.config.faults.fields import value_at
from quark_core.config.faults.wording import Fault, explain
from quark_core.config.reading.document import Document, Path
from quark_core.errors import Problem

_CODES = {
    "extra_forbidden": "unknown_field",
    "missing": "missing_field",
    "unknown_name": "unknown_name",
    "enum": "unknown_value",
    "literal_error": "unknown_value",
    "layer_pattern": "pattern",
    "options_missing": "missing_field",
    "too_short": "too_short",
    "greater_than": "range",
    "greater_than_equal": "range",
    "less_than": "range",
    "less_than_equal": "range",
    "finite_number": "range",
}
_LONGEST = 500
_AT_KEY = frozenset({"extra_forbidden", "missing"})


def model_problems(error: ValidationError, document: Document) -> list[Problem]:
    """Return one problem for each fault that ``error`` holds."""
    return [_problem(details, document) for details in error.errors(include_url=False)]


def unique(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems in the order of the file, each once."""
    found = {(problem.place, problem.message): problem for problem in reversed(list(problems))}

    def order(problem: Problem) -> tuple[int, int, str]:
        place = problem.place
        return (place.line, place.column, problem.message) if place else (0, 0, problem.message)

    return tuple(sorted(found.values(), key=order))


def _problem(details: ErrorDetails, document: Document) -> Problem:
    path = _in_file(tuple(details["loc"]), document.value)
    context = details.get("ctx", {})
    value = value_at(document.value, path)
    fault = Fault(details["type"], path, details["msg"], context, value, document)
    message, fix = (_clipped(text) for text in explain(fault))
    code = str(context.get("code") or _CODES.get(fault.type) or ("type" if fault.type.endswith("_type") else "value"))
    field = context.get("field", fault.name)
    # What must be removed is marked at its key; so is the object in which something is left out.
    at_key = fault.type in _AT_KEY or fix == f"remove {field}" or field != fault.name
    return document.fault(path, message, fix, code=code, at_key=at_key)


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _in_file(path: Path, data: Any) -> Path:
    # pydantic goes on below a lone pattern, which it reads as a list.
    for index in range(len(path)):
        here = value_at(data, path[:index])
        if not isinstance(here, dict | list):
            return path[:index]
    return path
