"""What a device changed, as data for the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Adjustment:
    """One thing that a device changed, before or after calibration."""

    tensor: str
    """Key of the tensor or name of the layer."""
    before: str
    after: str
    why: str


PATHS = ("kernel", "integer", "dequantized", "simulated", "float")


@dataclass(frozen=True)
class LayerPath:
    """How a layer of a lowered model computes."""

    path: str
    """``kernel``: in the device's own low-bit kernels; ``integer``: in integers on the host; ``dequantized``: in
    floating point, from packed weights; ``simulated``: in floating point on quantized values; ``float``."""
    why: str = ""
    """Which kernel, or why there is none."""

    def __post_init__(self) -> None:
        if self.path not in PATHS:
            raise ValueError(f"LayerPath({self.path!r}): there are {', '.join(PATHS)}")
