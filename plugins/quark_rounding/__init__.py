"""The rounding schemes that Quark Core ships."""

from typing import Literal

from pydantic import Field

from quark_core.plugin import Options, Ref, RoundingSpec, hookimpl

QUARK_API = 1


class RoundOptions(Options):
    """To nearest, ties away from zero."""

    name: Literal["round"] = "round"


class FloorOptions(Options):
    """Toward minus infinity."""

    name: Literal["floor"] = "floor"


class HalfEvenOptions(Options):
    """To nearest, ties to even (IEEE 754)."""

    name: Literal["half_even"] = "half_even"


class StochasticOptions(Options):
    """Up or down at random, with odds by distance, so that the mean is the value itself."""

    name: Literal["stochastic"] = "stochastic"
    seed: int = Field(0, ge=0, lt=2**63)
    """Start of the random numbers; every tensor starts anew, so the same values give the same result."""


ROUNDINGS = (
    RoundingSpec(RoundOptions, Ref("quark_rounding.schemes:Round")),
    RoundingSpec(FloorOptions, Ref("quark_rounding.schemes:Floor")),
    RoundingSpec(HalfEvenOptions, Ref("quark_rounding.schemes:HalfEven"), is_half_even=True),
    RoundingSpec(StochasticOptions, Ref("quark_rounding.stochastic:Stochastic"), is_stateful=True),
)


@hookimpl
def quark_roundings() -> tuple[RoundingSpec, ...]:
    """Return the bundled rounding schemes."""
    return ROUNDINGS
