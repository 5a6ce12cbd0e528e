"""Configs out: exactly what was said, in YAML, JSON or TOML."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quark_core.atomic import replace_file
from quark_core.config.models import QuantConfig
from quark_core.config.reading.files import EXTENSIONS
from quark_core.errors import UsageError

if TYPE_CHECKING:
    from quark_core.config.load import Format

# What every reader of YAML, old or new, takes for a string without quotes.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def dumps(config: QuantConfig, format: Format | str) -> str:  # noqa: A002 - the public word for it
    """Return a config as text: what was said and no more. Raises UsageError for an unknown format."""
    writers = {"yaml": _yaml, "json": _json, "toml": _toml}
    if format not in writers:
        raise UsageError(f"unknown format {format!r}; known are {', '.join(writers)}")
    return writers[format](config.to_dict())


def dump(config: QuantConfig, path: str | Path) -> None:
    """Write a config to a file, whose extension names the format; the old file stays until the new one is whole.

    Raises UsageError for an unknown extension, and when the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in EXTENSIONS:
        raise UsageError(f"{path}: unknown extension {path.suffix!r}; known are {', '.join(EXTENSIONS)}")
    text = dumps(config, EXTENSIONS[path.suffix.lower()])
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _toml(data: dict[str, Any]) -> str:
    import tomli_w

    # An empty file looks like a mistake, and is read as one.
    return tomli_w.dumps(data) or "# Nothing is said, so everything has its default.\n"


def _yaml(data: dict[str, Any]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import SafeRepresenter

    class Representer(SafeRepresenter):
        """Quotes every string that some reader might take for something else."""

        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    def text(representer: Any, value: str) -> Any:
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return representer.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')

    Representer.add_representer(str, text)
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Representer = Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.allow_unicode = True
    # A fold in a long string is read back alike, but hard to edit.
    yaml.width = 1 << 20
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
