"""IPU: AMD's Ryzen AI NPU, with its 8-bit power-of-two discipline as data."""

from typing import Literal

from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin import Capability, DeviceSpec, Options, Ref, hookimpl

QUARK_API = 1


class IpuOptions(Options):
    """AMD Ryzen AI NPU: 8-bit symmetric integers, one power-of-two scale per tensor."""

    name: Literal["IPU"] = "IPU"


def _xint8(roles: tuple[str, ...], dtypes: tuple[str, ...]) -> Capability:
    return Capability(
        roles=roles,
        dtypes=dtypes,
        qschemes=(QSchemeType.per_tensor,),
        scale_types=(ScaleType.pof2,),
        symmetric=(True,),
        is_dynamic=(False,),
    )


IPU = DeviceSpec(
    IpuOptions,
    Ref("quark_ipu.device:Ipu"),
    capabilities=(_xint8(("weight", "bias"), ("int8",)), _xint8(("input", "output"), ("int8", "uint8"))),
)


@hookimpl
def quark_devices() -> tuple[DeviceSpec, ...]:
    """Return the IPU."""
    return (IPU,)
