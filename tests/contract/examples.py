"""The example configs that ship with the schema, read as a YAML 1.2, JSON or TOML file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

SCHEMAS = Path(__file__).parents[2] / "schemas"
PUBLISHED = SCHEMAS / "quark.schema.json"


def _in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".json", ".toml"))


VALID = _in(SCHEMAS / "examples")
INVALID = _in(SCHEMAS / "examples" / "invalid")


def read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)
    if path.suffix == ".toml":
        return tomllib.loads(text)
    return YAML(typ="safe", pure=True).load(text)


def named_schema(path: Path) -> Path:
    """Return the schema that the file names for editors."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return (path.parent / str(json.loads(text)["$schema"])).resolve()
    return (path.parent / text.splitlines()[0].split("schema", 1)[1].strip("= ")).resolve()
