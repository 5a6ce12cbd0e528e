"""A made-up past: versions -1 and 0 of the format, whose steps lead to the real version 1."""

from __future__ import annotations

import pytest

from quark_core.config.migration import steps
from quark_core.config.migration.edits import Default, Move, Rename, Replace
from quark_core.config.migration.steps import History, Step

PAST = History(
    (
        Step(-1, (Rename("*.format", "dtype"), Replace("weight.qscheme", {"rows": "per_channel"}))),
        Step(
            0,
            (Move("batches", "calibration.batches"), Default("calibration", {}), Default("calibration.batches", 8)),
            "the number of batches is in calibration",
        ),
    ),
    1,
)


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ship the made-up past."""
    monkeypatch.setattr(steps, "SHIPPED", PAST)
