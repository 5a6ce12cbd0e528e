"""Fine-tuning of quantized parameters: the layers compute on the grid, and float values behind them are trained.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
2018, section 3.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from quark_core.engine.quantizer import Quantizer, parameter_quantizers
from quark_core.errors import UsageError


def trainable(model: nn.Module) -> nn.Module:
    """Let optimizers change the quantized parameters of ``model``, in place, and return it.

    Each becomes a parametrization of ``torch.nn.utils.parametrize``, with a straight-through gradient: ``NAME`` is on
    the grid, ``parametrizations.NAME.original`` is what is trained; make the optimizer afterwards. Scales stay as they
    are. Save after ``frozen``. Raises UsageError when no parameter is quantized.
    """
    found = list(parameter_quantizers(model))
    if not found or not all(quantizer.quantizing for _, _, quantizer in found):
        raise UsageError("trainable: the model has no quantized parameters; give the model of a Result, or from load")
    for module, name, quantizer in found:
        if not parametrize.is_parametrized(module, name):
            module.get_parameter(name).requires_grad = True
            parametrize.register_parametrization(module, name, OnGrid(quantizer))
    return model


@torch.no_grad()
def frozen(model: nn.Module) -> nn.Module:
    """Undo ``trainable`` in place and return ``model``: parameters take the values that they were used with.

    The layers compute the same as before. Figures of a report are those before training. Raises DataError when
    training made NaN of a parameter whose format has no code for it.
    """
    for module, name, quantizer in list(parameter_quantizers(model)):
        if not parametrize.is_parametrized(module, name):
            continue
        parametrize.remove_parametrizations(module, name, leave_parametrized=False)
        parameter = module.get_parameter(name)
        parameter.copy_(quantizer.snap(parameter))
        parameter.requires_grad, parameter.grad = False, None
    return model


class OnGrid(nn.Module):
    """The parametrization: a parameter's values through its quantizer."""

    def __init__(self, quantizer: Quantizer) -> None:
        super().__init__()
        # In a tuple, since it is a submodule of the parameter's owner, and of that alone.
        self._quantizer = (quantizer,)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` (any shape, floating point) quantized and dequantized."""
        result: Tensor = self._quantizer[0](x)
        return result
