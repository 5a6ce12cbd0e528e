"""Whatever is read, it gives a config or ConfigError, and every problem can be printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quark_core.config.dump import dumps
from quark_core.config.load import Format, check_file, loads_config
from quark_core.config.models import QuantConfig
from quark_core.errors import ConfigError, Problem
from tests.unit.config.marked import FORMATS
from tests.unit.config.strategies import valid_configs

_SNIPPETS = st.sampled_from(
    [
        *"[]{}:,.-?*&!|>%@`'\"#=\\\n\t\r\0 1\ufeff\u2028é😀",
        "<<",
        "&a",
        "*a",
        "!!str",
        "- ",
        ": ",
        '"""',
        "'''",
        "[[",
        "]]",
    ]
)


def _holds(text: str, form: Format) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        config = loads_config(text, form)
    except ConfigError as error:
        problems = error.problems
    else:
        assert loads_config(dumps(config, form), form) == config
        return
    assert problems
    assert all(problem.place is not None and str(problem).encode() for problem in problems)
    keys = [(problem.place, problem.message) for problem in problems]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.lists(_SNIPPETS, max_size=20).map("".join)))
def test_any_text(form: Format, text: str) -> None:
    _holds(text, form)


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.toml"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary())
def test_any_bytes(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert all(str(problem).encode() for problem in check_file(path))


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60, deadline=None)
@given(valid_configs(), st.data())
def test_damaged_configs(form: Format, data: dict[str, Any], draw: st.DataObject) -> None:
    text = dumps(QuantConfig.model_validate(data), form)
    for _ in range(draw.draw(st.integers(1, 3))):
        start = draw.draw(st.integers(0, len(text)))
        end = draw.draw(st.integers(start, min(len(text), start + 30)))
        damage = draw.draw(st.sampled_from(["delete", "double", "insert"]))
        new = {"delete": "", "double": text[start:end] * 2, "insert": draw.draw(_SNIPPETS)}[damage]
        text = text[:start] + new + text[end:]
    _holds(text, form)


_JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-100, 100), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
_NAMES = ["version", "weight", "layers", "match", "dtype", "observer", "name", "mode", "skip", "exclude", "requires"]


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        _JUNK,
        lambda inner: st.one_of(
            st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4), st.lists(inner, max_size=2)
        ),
        max_leaves=8,
    )
)
def test_wrong_values_of_every_shape(data: Any) -> None:
    _holds(json.dumps(data).replace("NaN", "null").replace("Infinity", "1e999"), "json")
