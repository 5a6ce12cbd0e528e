"""The CPU passes the kit."""

import quark_cpu
from quark_core.testing import DeviceTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_cpu"
    bundled = True


globals().update(suites(DeviceTests, quark_cpu.quark_devices()))
