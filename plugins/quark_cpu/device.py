"""What the CPU does with a model: plans for its kernels, and runs in them what has one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import fx, nn

from quark_core.errors import DeviceError
from quark_core.plugin import Adjustment, Plan
from quark_cpu import CpuOptions
from quark_cpu.kernels import missing, saturating
from quark_cpu.lower_graph import lower_graph
from quark_cpu.lower_modules import lower_modules
from quark_cpu.reduced import reduced


class Cpu:
    """Runs 8-bit kernels where there are some; has no constraints on scales."""

    def __init__(self, options: CpuOptions) -> None:
        self._options = options

    def unavailable(self) -> str | None:
        """Return None where there are 8-bit kernels, or why there are none; everything can be simulated anywhere."""
        return missing()

    def resolve(self, *, lowering: bool) -> CpuOptions:
        """Return the options with the instruction set of the kernels that are to run."""
        if self._options.isa != "auto":
            return self._options
        narrow = lowering and missing() is None and saturating()
        return self._options.model_copy(update={"isa": "avx2" if narrow else "vnni"})

    def refine(self, plan: Plan) -> tuple[Plan, Sequence[Adjustment]]:
        """Return the plan with activations of 7 bits where the kernels need them, and what was changed."""
        return reduced(plan) if self._options.isa == "avx2" else (plan, ())

    def adjust(self, prepared: nn.Module) -> None:
        """Change nothing: any scale will do."""

    def lower(self, model: nn.Module) -> nn.Module:
        """Return a model whose layers run in 8-bit kernels or from packed weights, as ``layer_paths`` of it says.

        Raises DeviceError where this machine has no kernels.
        """
        if (why := missing()) is not None:
            raise DeviceError(
                f"the model cannot be lowered here: {why}; use the quantized model, which computes in float"
            )
        return lower_graph(model) if isinstance(model, fx.GraphModule) else lower_modules(model)
