"""Installs the editors' engines once, outside the sources, and asks them everything in one process."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from quark_core.config.schema import ANNOTATIONS
from tests.editor.case import Answers
from tests.editor.cases import CASES
from tests.editor.schemas import schemas

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Return the folder of the engines, installed as package-lock.json says."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"EDITOR TESTS DID NOT RUN: {' and '.join(missing)} not found; install Node.js 20 or later")
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quark-core"
    folder = cache / f"editor-{hashlib.sha256(lock).hexdigest()[:16]}"
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        # That the engines cannot be installed is a fault, and no reason to pass without them.
        assert installed.returncode == 0, f"npm ci failed in {folder}:\n{installed.stdout}{installed.stderr}"
        done.touch()
    return folder / "node_modules"


@pytest.fixture(scope="session")
def answers(node_modules: Path) -> Answers:
    """Return what the engines say to every case, by its name and the engine; "ajv" cases are named by the schema."""
    made = schemas()
    asked = [{"name": case.name, **question} for case in CASES for question in case.questions()]
    asked += [{"name": name, "engine": "ajv", "schema": name} for name in made]
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
