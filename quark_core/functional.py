"""Quantization of single tensors: what the engine does, for those who build on it.

Every ``config`` is a ``TensorConfig`` or resolved ``Settings``, so whatever a plugin adds works here too.
"""

from quark_core.engine.compiled import compiled
from quark_core.engine.e8m0 import decode_e8m0, encode_e8m0
from quark_core.engine.functional import dequantize, dynamic_parameters, parameters, quantize, quantize_dequantize
from quark_core.engine.packing import pack, unpack
from quark_core.engine.scales import QParams
from quark_core.engine.straight_through import fake_quantize
from quark_core.engine.training import frozen, trainable

__all__ = [
    "QParams",
    "compiled",
    "decode_e8m0",
    "dequantize",
    "dynamic_parameters",
    "encode_e8m0",
    "fake_quantize",
    "frozen",
    "pack",
    "parameters",
    "quantize",
    "quantize_dequantize",
    "trainable",
    "unpack",
]
