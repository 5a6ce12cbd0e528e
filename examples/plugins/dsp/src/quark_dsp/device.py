"""The device's torch code, imported only when a config names it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence

from torch import fx, nn

from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment, GraphPass
from quark_dsp import DspOptions
from quark_dsp.graphs import lower_graph
from quark_dsp.headroom import make_room
from quark_dsp.modules import lower_modules
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
        if isinstance(model, fx.GraphModule):
            return lower_graph(model)
        return lower_modules(model)
