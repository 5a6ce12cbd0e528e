"""What the torch code of a plugin may use of the engine; the one module of it that is stable for authors.

- ``Quantizer``: the module that a mode puts at a tensor; ``quantizers`` and ``parameter_quantizers`` find them.
- ``outline_modules``, ``replace_modules``, ``restore_modules``: describe ``torch.nn`` operators, quantize them where
  they stand, and make them plain again.
- ``is_operator``: whether a module is an operator that ``replace_modules`` knows.
- ``SUFFIX``: what follows a parameter's name in the name of its quantizer, which is a submodule of its owner.
- ``folded``, ``Norm``: weight and bias of a layer that takes in the batch norm behind it.
"""

from torch import nn

from quark_core.engine.folding import Norm, folded
from quark_core.engine.modules.operators import operator_of
from quark_core.engine.modules.outline import outline_modules
from quark_core.engine.modules.replace import replace_modules, restore_modules
from quark_core.engine.quantizer import SUFFIX, Quantizer, parameter_quantizers, quantizers


def is_operator(module: nn.Module) -> bool:
    """Return whether ``replace_modules`` can quantize a module of this class."""
    return operator_of(module) is not None


__all__ = [
    "SUFFIX",
    "Norm",
    "Quantizer",
    "folded",
    "is_operator",
    "outline_modules",
    "parameter_quantizers",
    "quantizers",
    "replace_modules",
    "restore_modules",
]
