"""Every case, those of the example configs among them."""

from __future__ import annotations

import json

from tests.contract.examples import INVALID, VALID, read
from tests.editor.case import Case
from tests.editor.cases_completion import COMPLETIONS
from tests.editor.cases_faults import FAULTS
from tests.editor.cases_plugins import PLUGINS

EXAMPLES = tuple(
    Case(
        f"example {path.name}",
        yaml=path.read_text(encoding="utf-8") if path.suffix == ".yaml" else "",
        json=json.dumps(read(path)),
        schema="published",
        says=(),
    )
    for path in VALID
)
BROKEN_EXAMPLES = tuple(
    Case(f"invalid example {path.name}", path.read_text(encoding="utf-8"), json.dumps(read(path)), "published")
    for path in INVALID
)
CASES = (*COMPLETIONS, *PLUGINS, *FAULTS, *EXAMPLES, *BROKEN_EXAMPLES)
