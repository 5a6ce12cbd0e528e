"""The bundled observers pass the kit."""

import quark_observers
from quark_core.testing import ObserverTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_observers"
    bundled = True


globals().update(suites(ObserverTests, quark_observers.OBSERVERS))
