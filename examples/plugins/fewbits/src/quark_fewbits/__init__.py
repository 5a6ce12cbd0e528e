"""Stochastic rounding as hardware has it, which draws a few random bits for each value."""

from typing import Literal

from pydantic import Field

from quark_core.plugin import Options, Ref, RoundingSpec, hookimpl

QUARK_API = 1


class StochasticOptions(Options):
    """Up or down at random with few random bits, by distance rounded to as many bits; as hardware does it."""

    name: Literal["fewbits.stochastic"] = "fewbits.stochastic"
    bits: int = Field(default=8, ge=1, le=23)
    """Random bits for each value: the odds are whole multiples of 2^-bits."""
    variant: Literal["srff", "srf", "src"] = "src"
    """What becomes of the distance beyond these bits: ``srff`` drops it (results lie nearer to 0 on average), ``srf``
    rounds ties up (nearly unbiased), ``src`` rounds ties to even (unbiased)."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Start of the random numbers; every tensor starts anew, so the same values give the same result."""


STOCHASTIC = RoundingSpec(StochasticOptions, Ref("quark_fewbits.stochastic:Stochastic"), is_stateful=True)


@hookimpl
def quark_roundings() -> list[RoundingSpec]:
    """Return the rounding."""
    return [STOCHASTIC]
