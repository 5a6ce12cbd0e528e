"""A made-up DSP: int8 weights and activations, sums of whole numbers in 24 or 32 bits."""

from typing import Literal

from quark_core.plugin import Capability, DeviceSpec, ModeLimit, Options, QSchemeType, Ref, ScaleType, hookimpl

QUARK_API = 1


class DspOptions(Options):
    """A made-up DSP with 8-bit multipliers, computed on the host: an example of a device of your own."""

    name: Literal["dsp.core"] = "dsp.core"
    accumulator: Literal["int24", "int32"] = "int32"
    """Width of the sums of products; weight scales are doubled until no input can overflow it."""
    graphs: bool = False
    """Whether graphs are rewritten: SiLU becomes x times hard sigmoid, which the DSP computes; needs graph mode."""


def _int8(roles: tuple[str, ...], scheme: QSchemeType) -> Capability:
    return Capability(
        roles=roles,
        dtypes=("int8",),
        qschemes=(scheme,),
        scale_types=(ScaleType.float,),
        symmetric=(True,),
        round_methods=("half_even",),
        is_dynamic=(False,),
        operators=("linear", "conv2d"),
        # A sum over inputs of different scales has no scale.
        own_axis=True,
    )


DSP = DeviceSpec(
    DspOptions,
    Ref("quark_dsp.device:Dsp"),
    capabilities=(
        _int8(("weight",), QSchemeType.per_channel),
        _int8(("input", "output"), QSchemeType.per_tensor),
    ),
    modes=(ModeLimit(("fx_graph_mode",), when={"graphs": (True,)}),),
)


@hookimpl
def quark_devices() -> tuple[DeviceSpec, ...]:
    """Return the DSP."""
    return (DSP,)
