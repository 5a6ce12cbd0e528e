"""What exceptions take and say."""

import pytest

from quark_core.errors import ConfigError, PlanError, Problem

ONE = Problem("too wide", "write 4")


@pytest.mark.parametrize("cls", [ConfigError, PlanError])
def test_one_problem_or_a_text_will_do(cls: type[PlanError]) -> None:
    assert cls([ONE, ONE]).problems == (ONE, ONE)
    assert cls(ONE).problems == (ONE,)
    assert str(cls("too wide")) == "too wide"
