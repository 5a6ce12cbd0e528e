"""For any config in any layout: the text says what migrating the plain data gives, and every comment is still there."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quark_core.config.dump import dumps
from quark_core.config.load import loads_config
from quark_core.config.migration.data import migrated
from quark_core.config.migration.rewrite import rewritten
from quark_core.config.migration.steps import History, Step
from quark_core.config.models import QuantConfig
from quark_core.config.reading.document import Document
from quark_core.config.reading.formats import read
from quark_core.errors import ConfigError
from tests.unit.config.marked import FORMATS
from tests.unit.config.migration.layouts import Toml, Yaml, json_text
from tests.unit.config.migration.made_up import EDITS, HISTORY
from tests.unit.config.migration.old_format import PAST
from tests.unit.config.strategies import valid_configs

Data = dict[str, Any]
# Layouts are drawn from a seed: as data of their own they would be too large for Hypothesis.
SEEDS = st.integers(0, 1 << 32)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return one or two steps of made-up edits."""
    edits = st.lists(st.sampled_from(EDITS), max_size=4).map(tuple)
    steps = tuple(Step(index + 1, found) for index, found in enumerate(draw(st.lists(edits, min_size=1, max_size=2))))
    return History(steps, len(steps) + 1)


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - layouts are no secrets


def document(text: str, form: str) -> Document:
    found = read(text, form, "x")
    assert (found.problems, text) == ([], text)
    return found


def outcome(data: Data, history: History) -> Data | None:
    try:
        return migrated(data, history)
    except ConfigError:
        return None


def check(text: str, form: str, history: History, comments: list[str]) -> None:
    """Migrate a text and compare with the migrated data; where these meet a conflict, so does the text."""
    before = document(text, form)
    wanted = outcome(before.value, history)
    if wanted is None:
        with pytest.raises(ConfigError, match=r"which is there already|there is no object around it"):
            rewritten(before, history)
        return
    after = rewritten(before, history).after
    assert repr(_sorted(document(after, form).value)) == repr(_sorted(wanted))
    assert [comment for comment in comments if comment not in after] == []
    assert "note-" not in repr(wanted)
    if "\r\n" in text:
        assert after.count("\n") == after.count("\r\n")


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=50, deadline=None)
@given(valid_configs(), histories(), SEEDS)
def test_yaml(data: Data, history: History, seed: int) -> None:
    layout = Yaml(chance(seed), aliases=False)
    check(layout.write(data), "yaml", history, layout.comments)


@settings(max_examples=50, deadline=None)
@given(valid_configs(), histories(), SEEDS)
def test_yaml_with_aliases(data: Data, history: History, seed: int) -> None:
    layout = Yaml(chance(seed), aliases=True)
    check(layout.write(data), "yaml", history, layout.comments)


@settings(max_examples=50, deadline=None)
@given(valid_configs(), histories(), SEEDS)
def test_toml(data: Data, history: History, seed: int) -> None:
    layout = Toml(chance(seed))
    check(layout.write(data), "toml", history, layout.comments)


@settings(max_examples=40, deadline=None)
@given(valid_configs(), histories(), SEEDS)
def test_json(data: Data, history: History, seed: int) -> None:
    check(json_text(chance(seed), data), "json", history, [])


@settings(max_examples=25, deadline=None)
@given(valid_configs())
def test_what_is_dumped(data: Data) -> None:
    config = QuantConfig.model_validate(data)
    for form in FORMATS:
        check(dumps(config, form), form, HISTORY, [])


def _as_of_old(data: Data) -> Data:
    # By hand, what the made-up past leads from.
    old = deepcopy({**data, "version": -1})
    for role in ("weight", "input", "output", "bias"):
        if role in old:
            old[role]["format"] = old[role].pop("dtype")
    if old.get("weight", {}).get("qscheme") == "per_channel":
        old["weight"]["qscheme"] = "rows"
    if "batches" in old.get("calibration", {}):
        old["batches"] = old.pop("calibration").pop("batches")
    return old


@settings(max_examples=25, deadline=None)
@given(valid_configs(), SEEDS)
def test_what_is_loaded_after_migration(data: Data, seed: int) -> None:
    old = _as_of_old(data)
    wanted = {**data, "version": 1, "calibration": {"batches": 8, **data.get("calibration", {})}}
    assert migrated(old, PAST) == wanted
    random = chance(seed)
    texts = {
        "yaml": Yaml(random, aliases=True).write(old),
        "toml": Toml(random).write(old),
        "json": json_text(random, old),
    }
    for form in FORMATS:
        after = rewritten(document(texts[form], form), PAST).after
        assert loads_config(after, form) == QuantConfig.model_validate(wanted)
