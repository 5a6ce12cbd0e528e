"""The CPU as a device: it takes every tensor config, and runs in 8-bit kernels what has one."""

from typing import Literal

from quark_core.plugin import DeviceSpec, Options, Ref, hookimpl

QUARK_API = 1


class CpuOptions(Options):
    """Any CPU that PyTorch runs on; lowered models run in 8-bit kernels where there are some."""

    name: Literal["CPU"] = "CPU"
    isa: Literal["auto", "avx2", "vnni"] = "auto"
    """What the kernels can do. ``avx2``: they add pairs of products in 16 bits, which saturate unless activations have
    7 bits, so 8-bit activations are planned with 7. ``vnni``: they take 8 bits. ``auto``: what this machine's kernels
    do when the model is lowered here, else 8 bits."""


CPU = DeviceSpec(CpuOptions, Ref("quark_cpu.device:Cpu"))


@hookimpl
def quark_devices() -> tuple[DeviceSpec, ...]:
    """Return the CPU."""
    return (CPU,)
