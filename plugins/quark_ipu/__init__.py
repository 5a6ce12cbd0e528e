"""IPU: AMD's Ryzen AI NPU, with what its profiles take as data."""

from typing import Literal

from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin import Capability, DeviceSpec, ModeLimit, Options, Ref, hookimpl

QUARK_API = 1


class IpuOptions(Options):
    """AMD Ryzen AI NPU: 8-bit symmetric integers with power-of-two scales, or the other precisions that it has."""

    name: Literal["IPU"] = "IPU"
    profile: Literal["xint8", "a8w8", "bf16"] = "xint8"
    """Which of the NPU's precisions. ``xint8``: 8-bit integers and one power-of-two scale per tensor, so that all
    arithmetic is integer products, sums and shifts, proved code by code; needs graph mode. ``a8w8``: symmetric int8
    weights and activations with float scales. ``bf16``: bfloat16 throughout."""


XINT8 = {"profile": ("xint8",)}
WEIGHTED = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
COMPUTED = ("matmul", "bmm", "add", "sub", "mul", "cat", "stack", "relu6", "hardsigmoid")
PREPARED = ("fixed_leaky_relu", "fixed_avg_pool", "swish_mul")
"""Operators that the passes put into graphs, besides ``hardsigmoid``."""


def _integers(roles: tuple[str, ...], dtypes: tuple[str, ...], operators: tuple[str, ...]) -> Capability:
    return Capability(
        roles=roles,
        dtypes=dtypes,
        qschemes=(QSchemeType.per_tensor,),
        scale_types=(ScaleType.pof2,),
        symmetric=(True,),
        round_methods=("round", "floor", "half_even"),
        is_dynamic=(False,),
        operators=operators,
        when=XINT8,
    )


IPU = DeviceSpec(
    IpuOptions,
    Ref("quark_ipu.device:Ipu"),
    capabilities=(
        _integers(("weight", "bias"), ("int8",), WEIGHTED),
        _integers(("input", "output"), ("int8", "uint8"), WEIGHTED + COMPUTED + PREPARED),
        Capability(
            roles=("weight", "input", "output"),
            dtypes=("int8",),
            qschemes=(QSchemeType.per_tensor,),
            scale_types=(ScaleType.float,),
            symmetric=(True,),
            when={"profile": ("a8w8",)},
        ),
        Capability(roles=("weight", "bias", "input", "output"), dtypes=("bfloat16",), when={"profile": ("bf16",)}),
    ),
    modes=(ModeLimit(("fx_graph_mode",), when=XINT8),),
)


@hookimpl
def quark_devices() -> tuple[DeviceSpec, ...]:
    """Return the IPU."""
    return (IPU,)
