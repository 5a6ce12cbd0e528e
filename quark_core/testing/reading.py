"""How long a manifest takes to read, in an interpreter of its own, and what takes the time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass

from quark_core.plugin.discovery import Found

_CODE = """
import sys, time
import quark_core.registry, quark_core.config.type
print("quark: reading starts", file=sys.stderr)
start = time.perf_counter()
__import__({module!r})
print(f"quark: read in {{time.perf_counter() - start}}")
"""
_SECONDS = re.compile(r"^quark: read in (\S+)$", re.MULTILINE)
_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")
ALLOWED = 0.5
"""Seconds that reading a manifest may take: every command that names the plugin waits for it."""


@dataclass(frozen=True)
class Reading:
    """What reading a manifest costs."""

    seconds: float
    """Least of three times."""
    heaviest: str
    """Top-level package whose modules take most of it."""

    @property
    def fault(self) -> str:
        """What is wrong with it and how to fix it; empty when it is quick enough."""
        if self.seconds <= ALLOWED:
            return ""
        return (
            f"reading the manifest takes {self.seconds:.2f} s, and {ALLOWED} s are allowed; most of it goes to "
            f"{self.heaviest}: import that only in modules that a Ref names"
        )


def read_manifest(found: Found) -> Reading | None:
    """Return what reading costs; None when the manifest cannot be imported."""
    code = _CODE.format(module=found.entry_point.value.partition(":")[0])
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-X", "importtime", "-c", code]
    runs = [subprocess.run(command, env=env, capture_output=True, text=True, check=False) for _ in range(3)]
    # What else is printed comes from the manifest.
    took = [(float(said[1]), run.stderr) for run in runs if (said := _SECONDS.search(run.stdout))]
    if len(took) < len(runs):
        return None
    seconds, log = min(took)
    return Reading(seconds, _heaviest(log.partition("quark: reading starts")[2]))


def _heaviest(log: str) -> str:
    costs: dict[str, int] = {}
    for cost, module in _LINE.findall(log):
        package = module.partition(".")[0]
        costs[package] = costs.get(package, 0) + int(cost)
    return max(costs, key=lambda name: costs[name], default="its own code")
