"""An observer that clips where a distribution and a number of bits say that it loses least (ACIQ)."""

from typing import Literal

from pydantic import Field

from quark_core.plugin import ObserverSpec, Options, Ref, hookimpl

QUARK_API = 1


class ClipOptions(Options):
    """Analytical clipping (ACIQ): the range of least expected squared error for the distribution and the bits.

    Nothing is searched, so it costs no more than minimum and maximum. It assumes values around 0, or on one side of it,
    and evenly spaced codes. Ranges of other formats than integers are not clipped unless ``bits`` is given.
    """

    name: Literal["aciq.clip"] = "aciq.clip"
    distribution: Literal["laplace", "gauss"] = "laplace"
    """How the values are spread; Laplace has the longer tails, so it clips later."""
    bits: int | None = Field(default=None, ge=1, le=16)
    """Bits of a code that the range is chosen for; by default those of the tensor's integer dtype."""


CLIP = ObserverSpec(ClipOptions, Ref("quark_aciq.clip:Clip"))


@hookimpl
def quark_observers() -> list[ObserverSpec]:
    """Return the observer."""
    return [CLIP]
