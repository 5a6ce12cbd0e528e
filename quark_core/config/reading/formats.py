"""A text in any of the formats to a Document; each format's parser is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable

from quark_core.config.reading.document import NOTHING, Document
from quark_core.config.reading.limits import SIZE, LimitError, check_data
from quark_core.config.reading.source import Source


def read(text: str, format: str, file: str) -> Document:  # noqa: A002 - the public word for it
    """Read a text in a format that is in ``FORMATS``. Never raises: what is wrong stands in ``problems``."""
    source = Source(file, text.removeprefix("\ufeff"), format)
    document = Document(source)
    try:
        _check_text(source)
        FORMATS[format](document)
        check_data(document)
    except LimitError as error:
        document.value = NOTHING
        document.problems = [source.problem(error.span, error.message, error.fix, error.code)]
    return document


def _check_text(source: Source) -> None:
    if len(source.text) > SIZE:
        raise LimitError(f"the config is longer than {SIZE:,} characters", (0, 1))
    if not source.text.strip():
        raise LimitError("the file is empty", (0, 1), "say at least one thing, such as `version`", code="empty")
    try:
        source.text.encode()
    except UnicodeEncodeError as error:
        raise LimitError("this is half of a character", (error.start, error.end), code="encoding") from error


def _yaml(document: Document) -> None:
    from quark_core.config.reading.yaml_document import read_yaml

    read_yaml(document)


def _json(document: Document) -> None:
    from quark_core.config.reading.json_document import read_json

    read_json(document)


def _toml(document: Document) -> None:
    from quark_core.config.reading.toml_document import read_toml

    read_toml(document)


FORMATS: dict[str, Callable[[Document], None]] = {"yaml": _yaml, "json": _json, "toml": _toml}
"""What reads each format. A format's parser is imported when the first file in it is read."""
