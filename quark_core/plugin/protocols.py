"""What the torch code behind a ``Ref`` must look like. Nothing inherits these; type checkers and the kit compare.

Observers, roundings, devices and modes are constructed with one argument: their validated options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from quark_core.plugin.outline import Outline
    from quark_core.plugin.picture import Picture
    from quark_core.plugin.plan import Plan
    from quark_core.plugin.settings import Settings


class Observer(Protocol):
    """Measures ranges. One class serves every scheme: it sees ``[blocks, elements]``, float32, one range per block.

    An observer whose range depends on what the values are quantized to may also have the method of ``ForSettings``.
    """

    def __init__(self, options: Any) -> None: ...

    def observe(self, blocks: Tensor) -> None:
        """Take in a batch, ``[blocks, elements]`` float32, without changing it; ``blocks`` never changes.

        Values are finite, and there is at least one: the engine refuses NaN and Inf, and leaves out empty batches.
        """

    def merge(self, other: Self) -> None:
        """Take in what ``other`` observed elsewhere; the order of merging must not matter."""

    def range(self) -> tuple[Tensor, Tensor]:
        """Return the minimum and maximum, each ``[blocks]`` float32; called after ``observe`` at least once.

        The engine then widens them to hold 0. Symmetric scales map the larger magnitude onto the largest code (of
        signed integers ``2^(bits - 1) - 1``, so that one stays unused), asymmetric ones the whole range onto all codes.
        """


@runtime_checkable
class ForSettings(Protocol):
    """What an observer may have besides, to know the format, symmetry, rounding and scale of its tensor."""

    def for_settings(self, settings: Settings) -> None:
        """Called once, right after construction and before anything is observed.

        Observers that are merged were given equal settings. Where nobody calls it, as in most checks of the kit, an
        observer assumes a format: the bundled ones int8, symmetric.
        """


class Rounding(Protocol):
    """Rounds to integers."""

    def __init__(self, options: Any) -> None: ...

    def __call__(self, x: Tensor) -> Tensor:
        """Round finite ``x`` (float32 or float64, any shape) to integers IN PLACE and return it; NaN stays NaN.

        For integers ``x`` is the value divided by its scale, clamped so that the code fits; the zero point comes after.
        For floats it is the value divided by the scale and by the unit in its last place.
        The sign of a zero does not matter: where a format keeps it, the engine puts it back.
        """


class Codec(Protocol):
    """Values to codes and back, for a ``CodecFormat``; constructed without arguments.

    One object is kept and serves every tensor, on whatever device it lies. It rounds in a way of its own, so a config
    gives no ``round_method`` with such a dtype.
    """

    def encode(self, x: Tensor) -> Tensor:
        """Map scaled values (float32, any shape) to codes (int32, 0 to 2^bits - 1); ``x`` stays as it is.

        There are no NaN and nothing beyond the format's ``limit``, infinities included.
        """

    def decode(self, codes: Tensor) -> Tensor:
        """Map codes (int32, any shape) to scaled values (float32); what it gives for ``nan_code`` does not count."""


ExampleInputs = tuple[Any, ...] | Mapping[str, Any] | None
"""Arguments of a model's forward, positional or named, for modes that run it; None where there are none."""


class Mode(Protocol):
    """Takes a model apart and puts it together."""

    def __init__(self, options: Any) -> None: ...

    def outline(self, model: nn.Module, example_inputs: ExampleInputs) -> Outline:
        """Describe every layer, without changing the model.

        Raises ModelError for a model that cannot be taken apart, and PlanError where its own options do not fit it: a
        Problem with ``path=("mode",)`` is shown at its line of the config.
        """

    def prepare(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> nn.Module:
        """Return the model with a ``Quantizer`` at each tensor of the plan; ``model`` is a copy that may be changed.

        A tensor of the plan that is ``shared`` is served by the quantizer of that other tensor.
        """

    def convert(self, prepared: nn.Module) -> nn.Module:
        """Return the final model once every quantizer's scales are fixed."""


@runtime_checkable
class Drawable(Protocol):
    """What a mode may have besides, for ``quark plan --graph``."""

    def picture(self, model: nn.Module, plan: Plan, example_inputs: ExampleInputs) -> Picture:
        """Return the graph of the model with what each edge carries; ``model`` is a copy that may be changed."""
