"""Asks the editors' engines everything in one process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from quark_core.config.schema import ANNOTATIONS
from tests.editor.case import Answers
from tests.editor.cases import CASES
from tests.editor.cases_fixes import FIXES, UNMENDED
from tests.editor.install import HERE, installed_engines, missing_tools
from tests.editor.schemas import schemas


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Return the folder of the engines. That these cannot be installed is a fault, and no reason to pass."""
    if missing := missing_tools():
        pytest.skip(f"EDITOR TESTS DID NOT RUN: {' and '.join(missing)} not found; install Node.js 20 or later")
    return installed_engines()


@pytest.fixture(scope="session")
def answers(node_modules: Path) -> Answers:
    """Return what the engines say to every case, by its name and the engine; "ajv" cases are named by the schema."""
    made = schemas()
    asked = [{"name": case.name, **question} for case in CASES for question in case.questions()]
    asked += [{"name": fix.name, "engine": "yaml", **fix.question()} for fix in (*FIXES, *UNMENDED)]
    asked += [{"name": name, "engine": "ajv", "schema": name} for name in made]
    asked.append({"name": "engines", "engine": "capabilities"})
    request: dict[str, Any] = {"schemas": made, "annotations": list(ANNOTATIONS), "cases": asked}
    said = subprocess.run(
        ["node", str(HERE / "probe.mjs")],
        input=json.dumps(request),
        env={**os.environ, "QUARK_NODE_MODULES": str(node_modules)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    replies = json.loads(said.stdout)
    return {(one["name"], one["engine"]): reply for one, reply in zip(asked, replies, strict=True)}
