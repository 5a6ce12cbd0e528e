"""The device's torch code, imported only when a config names it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence

from torch import nn

from quark_core.engine.authoring import Made, Site, lower_layers
from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment, GraphPass, LayerPath
from quark_dsp import DspOptions
from quark_dsp.headroom import make_room
from quark_dsp.layers import IntegerConv2d, IntegerLinear
from quark_dsp.operands import no_operands, operands
from quark_dsp.silu import HardSilu


class Dsp:
    """Made up, so it is always here: what it would compute is computed on the host, in the same whole numbers."""

    def __init__(self, options: DspOptions) -> None:
        self._options = options

    def unavailable(self) -> str | None:
        """Return None: the host is all it needs."""
        return None

    def passes(self) -> Sequence[GraphPass]:
        """Return what rewrites SiLU, where the options ask for it."""
        return (HardSilu(),) if self._options.graphs else ()

    def adjust(self, prepared: nn.Module) -> list[Adjustment]:
        """Double weight scales until no sum can overflow, and return what was changed."""
        return make_room(prepared, int(self._options.accumulator.removeprefix("int")))

    def executor(self, model: nn.Module) -> nn.Module:
        """Return a copy of ``model`` that computes as the DSP would."""
        with warnings.catch_warnings():
            # torch warns of what it does itself where it copies an exported graph.
            warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
            return self.lower(copy.deepcopy(model))

    def lower(self, model: nn.Module) -> nn.Module:
        """Return ``model``, changed in place, whose layers compute in whole numbers; ``layer_paths`` says which.

        Raises DeviceError where the model is not in the host's memory.
        """
        for name, parameter in model.named_parameters():
            if parameter.device.type != "cpu":
                raise DeviceError(
                    f"dsp.core computes on the host, and {name} is on {parameter.device}: the products of whole "
                    "numbers that it needs exist for the CPU only; move the model with model.cpu()"
                )
        return lower_layers(model, _made)


def _made(site: Site) -> Made:
    if site.kind not in ("linear", "conv2d"):
        return LayerPath("simulated", f"the DSP has no {site.kind}")
    if (why := no_operands(site)) is not None:
        return LayerPath("simulated", why)
    layer = IntegerLinear(operands(site)) if site.how is None else IntegerConv2d(operands(site), site.how)
    return layer, LayerPath("integer", f"int8 {'matmul' if site.how is None else site.kind}, int32 sums")
