"""What the torch code of a device must look like, and what it may do besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from quark_core.plugin.protocols import ExampleInputs

if TYPE_CHECKING:
    from torch import Tensor, fx, nn

    from quark_core.plugin.adjustment import Adjustment, LayerPath
    from quark_core.plugin.options import Options
    from quark_core.plugin.plan import Plan


class GraphPass(Protocol):
    """One rewriting of a ``torch.fx`` graph that a device needs before the model is planned."""

    @property
    def name(self) -> str:
        """What reports call it."""

    def __call__(self, graph: fx.GraphModule) -> Iterable[Adjustment]:
        """Change ``graph`` in place and return what was changed; the values of shared modules and parameters stay.

        There are no notes yet. A new node that is given the ``meta`` of the one that it replaces gets a name beside it.
        """


@runtime_checkable
class TakesPasses(Protocol):
    """What a mode may have besides, to serve devices that are ``PreparesGraph``."""

    def use_passes(self, passes: Sequence[GraphPass]) -> None:
        """Run ``passes`` on each graph from now on, after the mode's own; called once, before ``outline``."""

    def changes(self) -> Sequence[Adjustment]:
        """Return what the passes changed in the last graph."""


class Device(Protocol):
    """Checks, adjusts and runs; what it may do besides: ``Resolves``, ``Refines``, ``PreparesGraph``, ``Executes``."""

    def __init__(self, options: Any) -> None: ...

    def unavailable(self) -> str | None:
        """Return None when the device can execute here, or why not; never raise."""

    def adjust(self, prepared: nn.Module) -> Iterable[Adjustment] | None:
        """Change scales in place, after calibration, to what the hardware needs; return what was changed.

        Raises DeviceError when its constraints contradict each other.
        """

    def lower(self, model: nn.Module) -> nn.Module:
        """Return a model that really executes on the device; raise DeviceError where that cannot be done here.

        ``model`` is what ``Mode.convert`` returned and may be changed. Where the result has ``layer_paths`` (see
        ``Lowered``), reports say how each layer computes.
        """


@runtime_checkable
class Resolves(Protocol):
    """What a device may have besides, when some of its options depend on the machine."""

    def resolve(self, *, lowering: bool) -> Options:
        """Return the options with nothing left open; ``lowering``: the result is to run on this very machine.

        Saved folders note them, so that another machine plans the same.
        """


@runtime_checkable
class Refines(Protocol):
    """What a device may have besides, when it plans differently than the config says by itself."""

    def refine(self, plan: Plan) -> tuple[Plan, Sequence[Adjustment]]:
        """Return the plan that is obeyed, and what was changed; the same plan and options give the same.

        Raises PlanError([tensor.problem(…), …]) for what capabilities cannot say, shown at their lines of the config.
        """


@runtime_checkable
class PreparesGraph(Protocol):
    """What a device may have besides, when it needs the graph rewritten; the mode must then be ``TakesPasses``."""

    def passes(self) -> Sequence[GraphPass]:
        """Return the passes, in their order; none where the options need none."""


@runtime_checkable
class Executes(Protocol):
    """What a device may have besides: its own arithmetic, computed on the host, as the proof of what it would do."""

    def executor(self, model: nn.Module) -> nn.Module:
        """Return a model that computes what the device would; ``model`` is the converted one, and does not change.

        Raises DeviceError where it cannot.
        """


See = Callable[[str, "Tensor"], "Tensor | None"]
"""Shown the name and the output of a layer; returns what to go on with, or None."""


@runtime_checkable
class Lowered(Protocol):
    """What a model from ``lower`` or ``executor`` may have besides."""

    layer_paths: Mapping[str, LayerPath]
    """How each layer computes, by its name; what is not there is simulated."""


@runtime_checkable
class Replays(Protocol):
    """What a model may have besides, where neither its modules nor the marks of its graph tell layers apart."""

    def replay(self, inputs: ExampleInputs, see: See) -> Any:
        """Run once and return the result; show ``see`` the output of each layer, as floating-point values."""
