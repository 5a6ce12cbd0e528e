"""How the suites behave under pytest: what they demand, what they collect, what they count."""

from __future__ import annotations

import subprocess
import sys

import pytest

from quark_core.testing import DeviceTests, DtypeTests, ModeTests, ObserverTests, PluginTests, RoundingTests
from quark_core.testing.suite import Suite

pytest_plugins = ["pytester"]

SUITES: list[type[Suite]] = [DeviceTests, DtypeTests, ModeTests, ObserverTests, PluginTests, RoundingTests]
FLOOR = """
import quark_rounding
from quark_core.testing import *

class FloorChecks(RoundingTests):
    spec = quark_rounding.ROUNDINGS[1]
"""


def collect_options(pytester: pytest.Pytester) -> None:
    """Give pytester what this project's own settings give."""
    pytester.makeini("[pytest]\naddopts = -p quark_core.testing.report -p no:cacheprovider\n")


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_that_is_not_told_what_to_test_says_so(suite: type[Suite]) -> None:
    attribute = next(iter(suite.required))
    with pytest.raises(TypeError, match=rf"TestIt inherits {suite.__name__} .*set the class attribute `{attribute}`"):
        type("TestIt", (suite,), {})
    with pytest.raises(TypeError, match=r"it is 3"):
        type("TestIt", (suite,), {attribute: 3})


@pytest.mark.parametrize("suite", SUITES)
def test_a_base_of_ones_own_may_stay_abstract(suite: type[Suite]) -> None:
    base = type("Base", (suite,), {}, abstract=True)
    assert getattr(base, "__test__") is False  # noqa: B009 - type checkers do not know pytest's attribute
    assert suite.suite == suite.__name__


def test_an_unknown_expected_failure_is_an_error() -> None:
    more = {"module": "m", "expected_failures": {"test_nothing": "why"}}
    with pytest.raises(TypeError, match=r"PluginTests has no check 'test_nothing'; it has .*test_it_registers"):
        type("TestIt", (PluginTests,), more)


def test_an_expected_failure_needs_a_reason() -> None:
    more = {"module": "m", "expected_failures": {"test_it_registers": " "}}
    with pytest.raises(TypeError, match="say why the check cannot pass"):
        type("TestIt", (PluginTests,), more)


def test_suites_are_not_collected_and_subclasses_are(pytester: pytest.Pytester) -> None:
    collect_options(pytester)
    pytester.makepyfile(FLOOR)
    result = pytester.runpytest_inprocess("-q")
    result.assert_outcomes(passed=10)
    result.stdout.fnmatch_lines(["quark conformance: RoundingTests[[]floor] 10 checks"])


def test_a_class_without_spec_stops_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("from quark_core.testing import *\nclass TestIt(RoundingTests): pass")
    result = pytester.runpytest_inprocess("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*TestIt inherits RoundingTests and must say what is tested*`spec`*"])


def test_expected_failures_are_strict_and_of_one_class(pytester: pytest.Pytester) -> None:
    collect_options(pytester)
    pytester.syspathinsert()
    pytester.makepyfile(
        copying="class Copying:\n    def __init__(self, options): pass\n    def __call__(self, x): return x.round()\n"
    )
    copying = 'quark_core.plugin.RoundingSpec(quark_rounding.RoundOptions, quark_core.plugin.Ref("copying:Copying"))'
    expected = '    expected_failures = {"test_it_works_in_place": "so it is"}\n'
    pytester.makepyfile(
        "import quark_core.plugin\n"
        + FLOOR
        + expected
        + f"class TestRound(RoundingTests):\n    spec = {copying}\n"
        + expected
        + "class TestOther(RoundingTests):\n    spec = quark_rounding.ROUNDINGS[2]\n"
    )
    result = pytester.runpytest_inprocess("-q", "-k", "in_place")
    result.assert_outcomes(failed=1, xfailed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*XPASS(strict)*so it is*",
            "quark conformance: RoundingTests[[]floor] 1 check, 1 failed",
            "quark conformance: RoundingTests[[]half_even] 1 check",
            "quark conformance: RoundingTests[[]round] 1 check, 1 failed as expected",
        ]
    )


def test_checks_are_counted_across_processes(pytester: pytest.Pytester) -> None:
    collect_options(pytester)
    pytester.makepyfile(
        "from quark_core.testing import PluginTests\n"
        "class TestIt(PluginTests):\n    module = 'quark_rounding'\n    bundled = True\n"
    )
    result = pytester.runpytest_subprocess("-q", "-n", "1", "-k", "api or prefix")
    result.stdout.fnmatch_lines(["quark conformance: PluginTests[[]quark_rounding] 2 checks"])


def test_without_pytest_the_extra_is_named() -> None:
    code = "import sys; sys.modules['pytest'] = None; import quark_core.testing"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "pip install 'quark-core[testing]'" in ran.stderr


def test_importing_the_kit_does_not_import_torch() -> None:
    code = "import sys, quark_core.testing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
