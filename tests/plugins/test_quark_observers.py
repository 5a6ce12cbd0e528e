"""The bundled observers pass the kit."""

import quark_observers
from quark_core.testing import ObserverTests, PluginTests
from tests.plugins.generate import suites


class TestPlugin(PluginTests):
    module = "quark_observers"
    bundled = True


MOVING = {
    "test_merging_equals_observing_all": "an average over time depends on the order of batches, processes have none"
}

globals().update(
    suites(
        ObserverTests,
        quark_observers.OBSERVERS,
        moving_average={"expected_failures": MOVING},
        # It is exact up to 2^20 values in all, which are two blocks here.
        percentile={"values_per_block": 1 << 19},
    )
)
