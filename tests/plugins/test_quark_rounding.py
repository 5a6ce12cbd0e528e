"""The bundled rounding schemes pass the kit."""

import quark_rounding
from quark_core.testing import PluginTests, RoundingTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_rounding"
    bundled = True


BY_LOT = {
    "test_it_is_monotone": "neighbours are rounded by lots of their own",
    "test_it_has_no_memory": "a random generator is its memory; the engine makes a fresh one for each tensor",
}

globals().update(suites(RoundingTests, quark_rounding.ROUNDINGS, stochastic={"expected_failures": BY_LOT}))
