"""Runs single checks of the kit on extensions that were broken on purpose."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from quark_core.plugin import Ref
from quark_core.testing.suite import Suite


def checks(suite: type[Suite]) -> set[str]:
    """Return the names of a suite's checks."""
    return {name for name in dir(suite) if name.startswith("test_")}


def every_check_has_a_fault(suite: type[Suite], faults: Iterable[str]) -> None:
    """Fail when a check of the suite has no broken extension that proves it."""
    assert checks(suite) == set(faults)


def passes(suite: type[Suite], check: str) -> None:
    """Run a check that must pass."""
    getattr(suite(), check)()


def fails(suite: type[Suite], check: str, *also: type[Exception]) -> None:
    """Run a check that must fail by itself, or, where ``also`` says so, by what the broken extension raises."""
    with pytest.raises((AssertionError, pytest.fail.Exception, *also)):
        getattr(suite(), check)()


def ref(thing: type) -> Ref[type]:
    """Return a Ref to a class at the top of a test module."""
    return Ref(f"{thing.__module__}:{thing.__qualname__}")
