"""The IPU passes the kit."""

import quark_ipu
from quark_core.testing import DeviceTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_ipu"
    bundled = True


globals().update(suites(DeviceTests, quark_ipu.quark_devices()))
