"""What the torch code of a plugin may use of the engine; the one module of it that is stable for authors.

- ``Quantizer``: the module that a mode puts at a tensor; ``quantizers`` and ``parameter_quantizers`` find them.
- ``quantizer_at``, ``quantizer_called``, ``quantizer_behind``: the quantizer of a module's tensor, of a node, and of
  the values that a node only moves.
- ``outline_modules``, ``replace_modules``, ``restore_modules``: describe ``torch.nn`` operators, quantize them where
  they stand, and make them plain again.
- ``add_quantizers``, ``leave_fused_paths``: put the quantizers of a plan's layer into a module, and see to it that
  transformer layers call their modules.
- ``float_class``, ``own_code``: the class that a module had before a mode changed it, and what it runs besides the
  forward of its operator, which a kernel in its place would lose; ``mode_hook`` marks a mode's own hooks.
- ``is_operator``: whether a module is an operator that ``replace_modules`` knows.
- ``SUFFIX``: what follows a parameter's name in the name of its quantizer, which is a submodule of its owner.
- ``folded``, ``Norm``: weight and bias of a layer that takes in the batch norm behind it.
- ``Note``, ``note``, ``set_note``, ``result_of``, ``set_result``: what graph mode notes on the nodes of its graphs;
  ``argument``, ``attribute`` read a node further, ``Convolution``, ``convolution``, ``convolution_of`` how one walks.
- ``lower_layers``: puts a device's own modules in place of linear layers and convolutions, in models of modules and in
  graphs; ``Site`` is one of them, ``Made`` what computes it.
- ``set_codes``, ``codes_of``: that the value of a node are integer codes, which replays then dequantize.
- ``Declared``, ``declare``, ``declared``: functions that a device's passes put into graphs, as operators.
- ``stored_codes``, ``stored_values``: the codes of a quantized parameter, and the values that they stand for.
- ``stored_rows``: some rows of a quantized table.
- ``dynamic_parameters``: as in ``quark_core.functional``.
"""

from torch import nn

from quark_core.engine.convolutions import Convolution, convolution, convolution_of
from quark_core.engine.finding import quantizer_at, quantizer_behind, quantizer_called
from quark_core.engine.folding import Norm, folded
from quark_core.engine.functional import dynamic_parameters
from quark_core.engine.marks import (
    Declared,
    Note,
    argument,
    attribute,
    codes_of,
    declare,
    declared,
    note,
    result_of,
    set_codes,
    set_note,
    set_result,
)
from quark_core.engine.modules.attach import add_quantizers, leave_fused_paths
from quark_core.engine.modules.operators import operator_of
from quark_core.engine.modules.outline import outline_modules
from quark_core.engine.modules.own_code import float_class, mode_hook, own_code
from quark_core.engine.modules.replace import replace_modules, restore_modules
from quark_core.engine.quantizer import SUFFIX, Quantizer, parameter_quantizers, quantizers, stored_codes, stored_values
from quark_core.engine.rows import stored_rows
from quark_core.engine.sites import Made, Site, lower_layers


def is_operator(module: nn.Module) -> bool:
    """Return whether ``replace_modules`` can quantize a module of this class."""
    return operator_of(module) is not None


__all__ = [
    "SUFFIX",
    "Convolution",
    "Declared",
    "Made",
    "Norm",
    "Note",
    "Quantizer",
    "Site",
    "add_quantizers",
    "argument",
    "attribute",
    "codes_of",
    "convolution",
    "convolution_of",
    "declare",
    "declared",
    "dynamic_parameters",
    "float_class",
    "folded",
    "is_operator",
    "leave_fused_paths",
    "lower_layers",
    "mode_hook",
    "note",
    "outline_modules",
    "own_code",
    "parameter_quantizers",
    "quantizer_at",
    "quantizer_behind",
    "quantizer_called",
    "quantizers",
    "replace_modules",
    "restore_modules",
    "result_of",
    "set_codes",
    "set_note",
    "set_result",
    "stored_codes",
    "stored_rows",
    "stored_values",
]
