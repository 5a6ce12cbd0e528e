"""One thing that a person sees in an editor: a document with a cursor (``|>``), what must appear and what must not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

Answers = dict[tuple[str, str], Any]
"""What was said to a case, by its name and the engine."""

ENGINES = ("yaml", "json", "toml")


@dataclass(frozen=True)
class Case:
    """One document. ``json`` and ``toml`` are the same for these engines, where the case has them."""

    name: str
    yaml: str = ""
    json: str = ""
    toml: str = ""
    schema: str = "bundled"
    offers: tuple[str, ...] = ()
    """Labels that must be offered, and no others when ``only`` is set."""
    only: bool = False
    withholds: tuple[str, ...] = ()
    """Labels that must not be offered."""
    words: str = ""
    """What must stand in the documentation of the first offer, or in the hover when nothing must be offered."""
    inserts: str = ""
    """What the first offer must put into the document."""
    says: tuple[tuple[str, str], ...] | None = None
    """Every diagnostic: what its message contains, and the text that is marked; None for any."""
    says_json: tuple[tuple[str, str], ...] | None = None
    """The same for the JSON engine, where it differs."""

    def questions(self) -> Iterator[dict[str, str]]:
        for engine in ENGINES:
            if text := getattr(self, engine):
                yield {"engine": engine, "schema": self.schema, "text": text}


def fault(name: str, yaml: str, message: str, marked: str, *, schema: str = "bundled", json_says: str = "") -> Case:
    """Return a case whose YAML, and the same as JSON, has exactly one diagnostic."""
    quoted = marked if marked in ("true", "false") or marked.isdigit() else f'"{marked}"'
    plain = marked.strip('"')
    return Case(
        name,
        yaml=yaml,
        json=json.dumps(YAML(typ="safe", pure=True).load(yaml), indent=1),
        schema=schema,
        says=((message, marked),),
        says_json=((json_says or message, quoted if plain == marked else marked),),
    )
