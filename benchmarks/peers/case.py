"""What is benchmarked: one tensor, and how it is to be quantized."""

from dataclasses import dataclass

from torch import Tensor

from quark_core.functional import QParams
from quark_core.plugin import Settings
from quark_core.plugin.formats import BlockFormat, FloatFormat, IntFormat


@dataclass(frozen=True)
class Case:
    """One format, scheme and tensor; every contestant gets the same one."""

    label: str
    """``int4 per_group 32``."""
    settings: Settings
    x: Tensor
    """Two axes, float32; scales run along axis 0 (per_channel), groups along axis 1."""
    params: QParams | None
    """None where there are none (plain casts) or where computing them is part of the work (blocks)."""

    @property
    def integers(self) -> IntFormat | None:
        """The format, if it is an integer one."""
        fmt = self.settings.dtype.format
        return fmt if isinstance(fmt, IntFormat) else None

    @property
    def float_bits(self) -> tuple[int, int] | None:
        """Exponent and mantissa bits of a scaled floating format or of a block's element, else None."""
        fmt = self.settings.dtype.format
        if isinstance(fmt, BlockFormat):
            fmt = fmt.element
        if not isinstance(fmt, FloatFormat) or not self.settings.dtype.scaled:
            return None
        return fmt.exponent_bits, fmt.mantissa_bits

    @property
    def block_size(self) -> int | None:
        """Elements of a block of an MX format, else None."""
        fmt = self.settings.dtype.format
        return fmt.block_size if isinstance(fmt, BlockFormat) else None

    def given(self) -> QParams:
        """Return the parameters of a scaled format."""
        if self.params is None:
            raise ValueError(f"{self.label} has no parameters")
        return self.params
