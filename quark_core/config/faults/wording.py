"""pydantic's errors in words for people: what was expected, what was found, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quark_core.config.condition import plain
from quark_core.config.faults.fields import field_names
from quark_core.config.faults.words import boolean_fix, describe, nearest, shown
from quark_core.config.reading.document import Document, Path

_TYPES = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "model_type": "an object",
    "dict_type": "an object",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
}
_FIELDS = {"match": "a pattern or a list of patterns"}
_BOUNDS = {
    "greater_than": ("gt", "more than {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "less than {}"),
    "less_than_equal": ("le", "at most {}"),
}
_QUOTED = re.compile(r"'([^']*)'")
_MEANT = re.compile(r"did you mean '([^']*)'\?$")
_PREFIX = re.compile(r"did you mean plugin '([^']*)' ")


@dataclass(frozen=True)
class Fault:
    """One of pydantic's errors, with the value as the file has it."""

    type: str
    path: Path
    text: str
    context: dict[str, Any]
    value: Any
    document: Document

    @property
    def name(self) -> str:
        """The field at fault."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def expected(self) -> str:
        """What pydantic wants, in its own words."""
        return self.text.removeprefix("Input should be ").removeprefix("Value error, ")


Words = tuple[str, str]
"""Message and fix."""


def explain(fault: Fault) -> Words:
    """Return what is wrong and how to mend it."""
    if fault.type == "rule":
        return fault.text, str(fault.context.get("fix", ""))
    if fault.type in _BOUNDS:
        return _out_of_range(fault)
    if fault.type in _WORDS:
        return _WORDS[fault.type](fault)
    if fault.type in _TYPES or fault.type.endswith("_type"):
        return _wrong_type(fault)
    return fault.expected, ""


def _unknown_field(fault: Fault) -> Words:
    known = field_names(fault.document.value, fault.path[:-1])
    near = nearest(fault.name, known)
    if near:
        return f"unknown field {shown(fault.name)}; did you mean {near!r}?", f"write {near}"
    fix = f"remove it; the fields here are: {', '.join(known)}" if known else "remove it"
    return f"unknown field {shown(fault.name)}", fix


def _missing(fault: Fault) -> Words:
    return f"missing field {fault.name!r}", f"add {fault.name}"


def _unknown_name(fault: Fault) -> Words:
    if near := _MEANT.search(fault.text):
        return fault.text, f"write {near[1]}"
    if prefix := _PREFIX.search(fault.text):
        return fault.text, f"write {prefix[1]}.{str(plain(fault.value)).partition('.')[2]}"
    if " is installed and adds " in fault.text:
        return fault.text, "choose another one, or install the version that adds it"
    if "is kept out by" in fault.text:
        return fault.text, "let the plugin in, or choose another one"
    if "; plugin '" in fault.text:
        return fault.text, "mend or update that plugin, or choose another one"
    return fault.text, "install the plugin that adds it, or choose another one"


def _unknown_value(fault: Fault) -> Words:
    allowed = _QUOTED.findall(str(fault.context.get("expected", "")))
    if not allowed:
        return f"expected {fault.expected}, found {describe(fault.value)}", f"write {fault.expected}"
    message = f"expected {fault.expected.replace(chr(39), '')}, found {describe(fault.value)}"
    near = nearest(fault.value, allowed)
    if near:
        return f"{message}; did you mean {near!r}?", f"write {near}"
    return message, f"write {allowed[0]}" if len(allowed) == 1 else "choose one of these"


def _pattern(fault: Fault) -> Words:
    return fault.text, "write glob:, re: or type: with a text after it, or a layer's exact name"


def _too_short(fault: Fault) -> Words:
    return f"{fault.name} is an empty list", "write at least one item"


def _options_missing(fault: Fault) -> Words:
    return fault.text, f"write {{name: {fault.value}, …}} with these options"


def _out_of_range(fault: Fault) -> Words:
    key, text = _BOUNDS[fault.type]
    bound = fault.context.get(key)
    bound = int(bound) if isinstance(bound, float) and bound.is_integer() else bound
    limit = text.format(bound)
    return f"expected {limit}, found {shown(fault.value)}", f"write a number that is {limit}"


def _wrong_type(fault: Fault) -> Words:
    expected = _FIELDS.get(fault.name) or _TYPES.get(fault.type) or fault.expected.replace("valid ", "")
    message = f"expected {expected}, found {describe(fault.value)}"
    written = fault.document.text(fault.path)
    if fault.value is None:
        return message, "write a value, or remove the field"
    if expected == "true or false":
        return _not_boolean(fault, message, written)
    return message, _type_fix(fault, expected, written)


def _type_fix(fault: Fault, expected: str, written: str) -> str:
    if expected == "a list" and written and "\n" not in written:
        return f"write a list: [{written}]"
    if expected in ("a whole number", "a number"):
        return _number_fix(fault.value, expected)
    if expected == "an object":
        return _object_fix(fault)
    if expected == "a string" and isinstance(fault.value, bool | int | float):
        return f'write it in quotes: "{written}"'
    return f"write {expected}"


def _not_boolean(fault: Fault, message: str, written: str) -> Words:
    fix = boolean_fix(fault.value)
    if isinstance(fault.value, str) and fix != "write true or false":
        quoted = written[:1] in ('"', "'")
        where = " in YAML 1.2" if fault.document.source.format == "yaml" and not quoted else ""
        return f"{fault.value!r} is a string{where}, not true or false", f"{fix} without quotes" if quoted else fix
    return message, fix


def _number_fix(value: Any, expected: str) -> str:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        return f"write {value.strip()} without quotes"
    return f"write {expected}"


def _object_fix(fault: Fault) -> str:
    known = field_names(fault.document.value, fault.path)
    if isinstance(fault.value, str) and "dtype" in known:
        return f"write {fault.name}: {{dtype: {fault.value[:60]}}}"
    return f"write an object with fields such as {', '.join(known[:3])}" if known else "write an object"


_WORDS: dict[str, Callable[[Fault], Words]] = {
    "extra_forbidden": _unknown_field,
    "missing": _missing,
    "unknown_name": _unknown_name,
    "enum": _unknown_value,
    "literal_error": _unknown_value,
    "layer_pattern": _pattern,
    "too_short": _too_short,
    "options_missing": _options_missing,
}
