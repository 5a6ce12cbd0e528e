"""The bundled dtypes pass the kit."""

import quark_dtypes
from quark_core.testing import DtypeTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_dtypes"
    bundled = True


globals().update(suites(DtypeTests, quark_dtypes.DTYPES))
