"""A pytest plugin that says how many checks of the kit ran; register it with ``-p quark_core.testing.report``.

A line for each suite and subject at the end of the run, also under pytest-xdist:
``quark conformance: ObserverTests[acme.ema] 14 checks``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from quark_core.testing.suite import PROPERTY

if TYPE_CHECKING:
    import pytest

LABELS = {"failed": "failed", "error": "failed", "xfailed": "failed as expected", "skipped": "skipped"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            subject = dict(getattr(report, "user_properties", ())).get(PROPERTY)
            # A check has up to three reports; those of setup and teardown are kept under "" unless they fail.
            if subject and outcome:
                counts[subject][outcome] += 1
    for subject, outcomes in sorted(counts.items()):
        terminalreporter.write_line(f"quark conformance: {subject} {describe(outcomes)}")


def describe(outcomes: Counter[str]) -> str:
    """Return ``14 checks``, and how many of them did anything but pass."""
    total = outcomes.total()
    parts = [f"{total} check{'s' * (total != 1)}"]
    labels: Counter[str] = Counter()
    for outcome, count in outcomes.items():
        if outcome in LABELS:
            labels[LABELS[outcome]] += count
    parts += [f"{count} {label}" for label, count in labels.items()]
    return ", ".join(parts)
