"""The observers that Quark Core ships."""

from typing import Literal

from pydantic import Field

from quark_core.plugin import ObserverSpec, Options, Ref, hookimpl

QUARK_API = 1


class MinMaxOptions(Options):
    """The smallest and the largest value seen."""

    name: Literal["min_max"] = "min_max"


class MovingAverageOptions(Options):
    """Exponential moving average of each batch's minimum and maximum."""

    name: Literal["moving_average"] = "moving_average"
    momentum: float = Field(0.9, ge=0, lt=1)
    """Weight kept from earlier batches at each new one."""


class PercentileOptions(Options):
    """Range that holds the given share of the values; what lies outside is clipped."""

    name: Literal["percentile"] = "percentile"
    percentile: float = Field(99.99, gt=50, le=100)
    """Share of the values that the upper bound covers, in percent; the lower bound mirrors it."""


class MseOptions(Options):
    """Range of least quantization error, searched among evenly spaced parts of the minimum and maximum."""

    name: Literal["mse"] = "mse"
    candidates: int = Field(100, ge=1, le=1000)
    """Ranges that are tried."""
    p: float = Field(2.0, gt=0, le=16)
    """Power of each value's error; 2 is the squared error."""


class EntropyOptions(Options):
    """Range that loses least information (Kullback-Leibler divergence), for activations; as in TensorRT."""

    name: Literal["entropy"] = "entropy"
    candidates: int = Field(100, ge=1, le=1000)
    """Ranges that are tried, from 1/16 of the largest one on."""
    bins: int = Field(2048, ge=16, le=16384)
    """Bins of equal width on each side of 0 that the distribution is compared in."""


OBSERVERS = (
    ObserverSpec(MinMaxOptions, Ref("quark_observers.min_max:MinMax")),
    ObserverSpec(MovingAverageOptions, Ref("quark_observers.moving_average:MovingAverage"), order_matters=True),
    ObserverSpec(PercentileOptions, Ref("quark_observers.percentile:Percentile")),
    ObserverSpec(MseOptions, Ref("quark_observers.mse:Mse")),
    ObserverSpec(EntropyOptions, Ref("quark_observers.entropy:Entropy")),
)


@hookimpl
def quark_observers() -> tuple[ObserverSpec, ...]:
    """Return the bundled observers."""
    return OBSERVERS
