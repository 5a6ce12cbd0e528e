"""Eager mode passes the kit."""

import quark_eager
from quark_core.testing import ModeTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_eager"
    bundled = True


globals().update(suites(ModeTests, quark_eager.quark_modes()))
