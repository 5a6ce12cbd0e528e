"""Rewritings of a graph to what the IPU computes, each with its error bound."""

from __future__ import annotations

from quark_core.plugin import GraphPass
from quark_ipu.passes.average_pool import AveragePool
from quark_ipu.passes.global_average import GlobalAverage
from quark_ipu.passes.hard_sigmoid import HardSigmoid
from quark_ipu.passes.leaky_relu import LeakyRelu
from quark_ipu.passes.relu6 import Relu6
from quark_ipu.passes.swish import Swish

PASSES: tuple[GraphPass, ...] = (Relu6(), LeakyRelu(), HardSigmoid(), Swish(), GlobalAverage(), AveragePool())
"""In the order in which they run."""

__all__ = ["PASSES", "AveragePool", "GlobalAverage", "HardSigmoid", "LeakyRelu", "Relu6", "Swish"]
