"""Runs the suites of an installed plugin in this process, without a test file of its own."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from quark_core.errors import PluginError
from quark_core.plugin.discovery import Found
from quark_core.testing.suite import PROPERTY

_FILE = """\
from quark_core.plugin.discovery import chosen_entry_points
from quark_core.testing.installed import suites

for found in chosen_entry_points():
    if (found.name, found.dist) == {key!r}:
        globals().update(suites(found))
"""
_CORE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Checked:
    """One check of the kit and how it went."""

    suite: str
    """Name of the suite, such as ``DtypeTests``."""
    subject: str
    check: str
    message: str = ""
    """What is wrong and how to fix it, on one line; empty where the check passed."""
    where: str = ""
    """File and line in the plugin where it failed, if it failed there."""

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.message


class _Recorder:
    def __init__(self) -> None:
        self.checked: list[Checked] = []
        self.broken: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
        report = yield
        if call.when == "call" or call.excinfo is not None:
            suite, _, subject = str(dict(item.user_properties).get(PROPERTY, "[")).partition("[")
            message, where = ("", "") if call.excinfo is None else _words(call.excinfo)
            self.checked.append(Checked(suite, subject.rstrip("]"), item.name, message, where))
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.broken.append(str(report.longrepr))


def run_suites(found: Found) -> list[Checked]:
    """Return what each check says of a plugin that loads. Raises PluginError when the kit cannot run on it."""
    recorder, output = _Recorder(), StringIO()
    with tempfile.TemporaryDirectory() as folder, _quiet(output):
        path = Path(folder) / "test_conformance.py"
        path.write_text(_FILE.format(key=(found.name, found.dist)), encoding="utf-8")
        ini = Path(folder) / "pytest.ini"
        ini.write_text("[pytest]\n", encoding="utf-8")
        arguments = ["-p", "no:cacheprovider", "--import-mode=importlib", "-c", str(ini), "--rootdir", folder]
        pytest.main([*arguments, str(path)], plugins=[recorder])
    if recorder.broken or not recorder.checked:
        said = (recorder.broken or [output.getvalue()])[0].strip().splitlines()
        raise PluginError(found.name, found.dist, f"the conformance kit cannot run on it: {said[-1] if said else ''}")
    return recorder.checked


@contextmanager
def _quiet(output: StringIO) -> Iterator[None]:
    # Plugins of pytest that happen to be installed must not decide whether a plugin of ours is sound.
    name = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    before, modules = os.environ.get(name), set(sys.modules)
    os.environ[name] = "1"
    try:
        with redirect_stdout(output), redirect_stderr(output):
            yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})
        for left in {module for module in sys.modules if module.startswith("test_conformance")} - modules:
            del sys.modules[left]


def _words(caught: pytest.ExceptionInfo[BaseException]) -> tuple[str, str]:
    error = caught.value
    first = _said(error)
    said = isinstance(error, AssertionError | pytest.fail.Exception) and not first.startswith("assert ")
    message = first if said else f"{type(error).__name__}: {first}".rstrip(": ")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_theirs(frame.filename)]
    return message, f"{frames[-1].filename}:{frames[-1].lineno}" if frames and not said else ""


def _said(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False)
        return "; ".join(f"{'.'.join(map(str, fault['loc'])) or error.title}: {fault['msg']}" for fault in faults)
    return next(iter(str(error).splitlines()), "")


def _is_theirs(filename: str) -> bool:
    path = Path(filename)
    return path.suffix == ".py" and _CORE not in path.parents and not {"_pytest", "pluggy", "torch"} & set(path.parts)
