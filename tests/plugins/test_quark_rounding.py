"""The bundled rounding schemes pass the kit."""

import quark_rounding
from quark_core.testing import PluginTests, RoundingTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_rounding"
    bundled = True


globals().update(suites(RoundingTests, quark_rounding.ROUNDINGS))
