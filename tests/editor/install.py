"""Installs the editors' engines once, outside the sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def missing_tools() -> list[str]:
    """Return what is needed to install and run the engines, and is not there."""
    return [tool for tool in ("node", "npm") if shutil.which(tool) is None]


def installed_engines() -> Path:
    """Return the folder of the engines, installed as package-lock.json says; raises RuntimeError where npm fails."""
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
        if installed.returncode:
            raise RuntimeError(f"npm ci failed in {folder}:\n{installed.stdout}{installed.stderr}")
        done.touch()
    return folder / "node_modules"
