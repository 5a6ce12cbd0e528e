"""Every case, those of the example configs among them."""

from __future__ import annotations

import json
from pathlib import Path

import tomli_w

from tests.contract.examples import INVALID, VALID, read
from tests.editor.case import Case
from tests.editor.cases_completion import COMPLETIONS
from tests.editor.cases_faults import FAULTS
from tests.editor.cases_plugins import PLUGINS
from tests.editor.cases_toml import TOML


def _toml(path: Path) -> str:
    """Return an example as TOML; one that is TOML as it stands, for its first line names the schema."""
    return path.read_text(encoding="utf-8") if path.suffix == ".toml" else tomli_w.dumps(read(path))


EXAMPLES = tuple(
    Case(
        f"example {path.name}",
        yaml=path.read_text(encoding="utf-8") if path.suffix == ".yaml" else "",
        json=json.dumps(read(path)),
        toml=_toml(path),
        schema="published",
        says=(),
    )
    for path in VALID
)
BROKEN_EXAMPLES = tuple(
    Case(
        f"invalid example {path.name}",
        yaml=path.read_text(encoding="utf-8"),
        json=json.dumps(read(path)),
        toml=_toml(path),
        schema="published",
    )
    for path in INVALID
)
CASES = (*COMPLETIONS, *PLUGINS, *FAULTS, *TOML, *EXAMPLES, *BROKEN_EXAMPLES)
