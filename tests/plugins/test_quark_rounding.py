"""The bundled rounding schemes pass the kit."""

import quark_rounding
from quark_core.testing import PluginTests, RoundingTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_rounding"
    bundled = True


ZERO = {"test_zero_keeps_its_sign": "the engine puts the sign back in float formats; doing it here costs a pass more"}

globals().update(suites(RoundingTests, quark_rounding.ROUNDINGS, round={"expected_failures": ZERO}))
