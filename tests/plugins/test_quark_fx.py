"""Graph mode passes the kit."""

import quark_fx
from quark_core.testing import ModeTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_fx"
    bundled = True


globals().update(suites(ModeTests, quark_fx.quark_modes()))
