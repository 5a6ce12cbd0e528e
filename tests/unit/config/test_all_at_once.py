"""One run reports every fault. When they change on purpose: python -m tests.unit.config.test_all_at_once."""

from __future__ import annotations

from pathlib import Path

import pytest

from quark_core.config.load import check_file, load_config
from quark_core.config.reading.formats import read
from quark_core.errors import ConfigError, Problem

DATA = Path(__file__).parent / "data"
WRONG = DATA / "everything_wrong.yaml"
FAULTS = DATA / "everything_wrong.txt"


def _line(problem: Problem) -> str:
    place = problem.place
    return f"{place.line}:{place.column}+{place.length} {problem.code} {problem.dotted}".rstrip() if place else "?"


def _found() -> str:
    # Texts are left out: they name what plugins add, and what other libraries say.
    return "\n".join(map(_line, check_file(WRONG))) + "\n"


def test_every_fault_is_reported_at_its_place() -> None:
    assert _found() == FAULTS.read_text(encoding="utf-8")


def test_every_field_of_the_file_is_at_fault() -> None:
    faulty = {problem.path[:depth] for problem in check_file(WRONG) for depth in range(len(problem.path) + 1)}
    fine = {path for path in read(WRONG.read_text(encoding="utf-8"), "yaml", "x").keys if path not in faulty}
    assert fine == {
        ("input", "dtype"),
        ("input", "is_dynamic"),
        ("layers", 1, "weight", "dtype"),
        ("output", "dtype"),
        ("output", "qscheme"),
        ("weight", "observer", "name"),
        ("weigth", "dtype"),
    }


def test_problems_are_in_the_order_of_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(WRONG)
    places = [(p.place.line, p.place.column) for p in caught.value.problems if p.place]
    assert places == sorted(places)
    assert caught.value.problems == check_file(WRONG)


if __name__ == "__main__":
    FAULTS.write_text(_found(), encoding="utf-8")
