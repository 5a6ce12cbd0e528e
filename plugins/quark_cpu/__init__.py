"""The CPU as a device: it takes every tensor config and runs the fake-quantized model."""

from typing import Literal

from quark_core.plugin import DeviceSpec, Options, Ref, hookimpl

QUARK_API = 1


class CpuOptions(Options):
    """Any CPU that PyTorch runs on; the quantized model computes in floating point on quantized values."""

    name: Literal["CPU"] = "CPU"


CPU = DeviceSpec(CpuOptions, Ref("quark_cpu.device:Cpu"))


@hookimpl
def quark_devices() -> tuple[DeviceSpec, ...]:
    """Return the CPU."""
    return (CPU,)
