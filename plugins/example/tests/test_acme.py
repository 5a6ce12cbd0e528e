import quark_acme
from quark_core.testing import DtypeTests, ObserverTests, PluginTests


class TestPlugin(PluginTests):
    module = "quark_acme"


class TestInt3(DtypeTests):
    spec = quark_acme.INT3


class TestEma(ObserverTests):
    spec = quark_acme.EMA
