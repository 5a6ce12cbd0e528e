"""Graph mode passes the kit."""

import quark_fx
from quark_core.testing import ModeTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_fx"
    bundled = True


# Folding takes a batch norm out of the state dict and changes the last bits; tests/plugins/fx has its tests.
globals().update(suites(ModeTests, quark_fx.quark_modes(), fx_graph_mode={"options": {"fold_batch_norm": False}}))
