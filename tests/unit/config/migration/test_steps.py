from __future__ import annotations

from typing import Any, get_args

import pytest

from quark_core.config.dump import dumps
from quark_core.config.migration.data import migrated
from quark_core.config.migration.edits import Rename, Replace
from quark_core.config.migration.steps import SHIPPED, STEPS, UNVERSIONED, History, Step, declared
from quark_core.config.models import QuantConfig
from quark_core.config.reading.formats import read
from quark_core.config.version import CURRENT
from quark_core.errors import ConfigError
from tests.unit.config.marked import FORMATS
from tests.unit.config.migration.made_up import HISTORY


def test_each_older_version_has_its_step() -> None:
    """Fails where the version of the models is raised without a step."""
    field = QuantConfig.model_fields["version"]
    assert (get_args(field.annotation), field.default) == ((CURRENT,), CURRENT)
    assert [step.version for step in STEPS] == list(range(1, CURRENT))
    assert History(STEPS, CURRENT) == SHIPPED


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_today_is_read_as_of_today(form: str) -> None:
    """Fails where the version is raised and configs are still written without one, which means version 1."""
    assert declared(read(dumps(QuantConfig(exclude=("a",)), form), form, "x").value) == CURRENT


@pytest.mark.parametrize("versions", [(1, 3), (3, 2), (2, 2, 3), (1, 2)])
def test_steps_without_a_gap(versions: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="which do not lead one by one to 4"):
        History(tuple(Step(version, ()) for version in versions), 4)
    assert History(tuple(Step(version, ()) for version in (2, 3)), 4).oldest == 2


@pytest.mark.parametrize(
    ("data", "version"),
    [
        ({}, UNVERSIONED),
        ({"version": 1}, 1),
        ({"version": 2.0}, 2),
        ({"version": 0}, 0),
        ({"version": True}, None),
        ({"version": 1.5}, None),
        ({"version": float("inf")}, None),
        ({"version": "1"}, None),
        ({"version": None}, None),
        ([], None),
    ],
)
def test_which_version_raw_data_say(data: Any, version: int | None) -> None:
    assert declared(data) == version


def test_data_of_any_version() -> None:
    old = {"weight": {"dtype": "int8", "scale_type": "pof2"}, "layers": [{"match": "a", "skip": ["bias"]}]}
    second = {
        "version": 2,
        "weight": {"format": "int8", "scale_type": "power", "symmetric": True},
        "layers": [{"match": "a", "skip": ["bias"]}],
    }
    third = {"version": 3, "w": second["weight"], "layers": [{"match": "a", "not": {"quantized": ["bias"]}}]}
    kept = repr(old)
    assert migrated(old, HISTORY) == migrated({"version": 1.0, **old}, HISTORY) == third
    assert migrated(second, HISTORY) == third
    assert migrated(third, HISTORY) == third
    assert repr(old) == kept


@pytest.mark.parametrize("version", [0, -1, True, "1", None, 1.5])
def test_what_is_no_version_is_left_to_the_model(version: Any) -> None:
    assert repr(migrated({"version": version, "x": 1}, HISTORY)) == repr({"version": version, "x": 1})


def test_a_newer_version_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        migrated({"version": 4}, HISTORY)
    (problem,) = caught.value.problems
    assert problem.message == "was written for a newer Quark Core (version 4; this one knows 3)"
    assert (problem.fix, problem.path, problem.code) == ("update quark-core", ("version",), "new_version")


def test_nothing_is_done_today() -> None:
    assert migrated({"weight": {"dtype": "int8"}}) == {"weight": {"dtype": "int8"}}


def test_edits_are_made_in_their_order() -> None:
    steps = (Step(1, (Rename("a", "b"), Replace("b", {1: 2}))), Step(2, (Replace("b", {2: 3}), Rename("b", "a"))))
    assert migrated({"a": 1}, History(steps, 3)) == {"version": 3, "a": 3}
