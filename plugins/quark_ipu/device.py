"""What the IPU does with a model: prepares its graph, moves its positions, and computes it in integers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import fx, nn

from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment, GraphPass
from quark_ipu import IpuOptions
from quark_ipu.adjust import adjust
from quark_ipu.executor import Executor
from quark_ipu.passes import PASSES

_NOT_HERE = (
    "no runtime of the Ryzen AI NPU can be reached from PyTorch; the model is simulated on the host, where the integer "
    "executor proves its codes"
)


class Ipu:
    """Under the profile ``xint8`` it proves what it says; the other profiles only limit what a config may ask for."""

    def __init__(self, options: IpuOptions) -> None:
        self._profile = options.profile

    @property
    def _is_fixed_point(self) -> bool:
        return self._profile == "xint8"

    def unavailable(self) -> str | None:
        """Return why the hardware cannot run a model from here."""
        return _NOT_HERE

    def passes(self) -> Sequence[GraphPass]:
        """Return the rewritings to operators that fixed point computes exactly."""
        return PASSES if self._is_fixed_point else ()

    def adjust(self, prepared: nn.Module) -> Sequence[Adjustment]:
        """Move positions to where all shifts are those of the hardware, in place; return what was changed.

        Raises DeviceError where a scale is not a power of two, or constraints contradict each other.
        """
        return adjust(prepared) if self._is_fixed_point else ()

    def executor(self, model: nn.Module) -> Executor:
        """Return a model that computes in integers what the hardware would; ``model`` does not change.

        Raises DeviceError for other profiles, models that are no graph, and sums beyond 32 bits.
        """
        if not self._is_fixed_point:
            raise DeviceError(
                f"IPU profile {self._profile} has no integer executor: its scales are no powers of two; write "
                "device: {name: IPU, profile: xint8}"
            )
        if not isinstance(model, fx.GraphModule):
            raise DeviceError("the IPU's executor reads a graph, and this model has none; write mode: fx_graph_mode")
        if (other := next((p.dtype for p in model.parameters() if p.dtype != torch.float32), None)) is not None:
            raise DeviceError(f"the IPU's executor takes models in float32, not {other}; call model.float()")
        return Executor(model)

    def lower(self, model: nn.Module) -> nn.Module:
        """Raise DeviceError: the hardware is not reachable."""
        del model
        raise DeviceError(_NOT_HERE)
