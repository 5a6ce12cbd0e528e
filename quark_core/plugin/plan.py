"""A plan: what happens to each tensor of a model, and which rule of the config said so. Plain data, free of torch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from quark_core.errors import Place, Problem
from quark_core.plugin.settings import Settings


@dataclass(frozen=True)
class Origin:
    """The rule that decided something."""

    rule: str
    """Path in the config, such as ``layers[1].weight`` or ``exclude[0]``."""
    place: Place | None = None
    """Where that stands, when the config came from a file."""
    path: tuple[str | int, ...] = field(default=(), kw_only=True)
    """The same as ``rule``, as keys and list indexes from the config's root."""

    def __str__(self) -> str:
        # The file's name without its folder: reports are saved, and the same job elsewhere gives the same bytes.
        return f"{self.rule} ({PurePath(self.place.file).name}:{self.place.line})" if self.place else self.rule


@dataclass(frozen=True)
class TensorPlan:
    """One tensor that will be quantized."""

    layer: str
    role: str
    name: str
    settings: Settings
    origin: Origin
    shape: tuple[int, ...] | None = None
    storage: str | None = None
    """Equal for tied parameters, which are quantized once."""
    length: int | None = None
    """Size along the settings' axis, where the whole shape is not known."""
    shared: str | None = None
    """Key of the tensor whose quantizer serves this one too, or None where it has its own."""

    @property
    def key(self) -> str:
        """Identifier within the model, such as ``features.0.weight``; used by report and files."""
        return f"{self.layer}.{self.name}" if self.layer else self.name

    def problem(self, message: str, *, fix: str, option: str = "", code: str = "invalid") -> Problem:
        """Return a Problem of this tensor for a PlanError, shown at the rule that asked for it.

        With ``option``, a field of the tensor config such as ``group_size``, at that field, where the config has it.
        """
        text = f"{self.key} ({self.origin.rule}): {message}"
        if option and self.origin.path:
            return Problem(text, fix, (*self.origin.path, option), code=code)
        return Problem(text, fix, place=self.origin.place, code=code)


@dataclass(frozen=True)
class LayerPlan:
    """One layer: its tensors that will be quantized, or why there are none."""

    name: str
    type: str
    tensors: tuple[TensorPlan, ...] = ()
    parameters: int = 0
    quantized_parameters: int = 0
    """Values of this layer's own parameters that will be quantized."""
    reason: str = ""
    """Why nothing, or not everything, is quantized."""


@dataclass(frozen=True)
class Coverage:
    """Shares of a model that a plan quantizes. A layer counts when its weight is quantized."""

    layers: int
    quantized_layers: int
    parameters: int
    quantized_parameters: int

    def __str__(self) -> str:
        def share(part: int, whole: int) -> str:
            return f"{part}/{whole} ({100 * part / whole:.1f}%)" if whole else "0/0"

        return (
            f"layers {share(self.quantized_layers, self.layers)}, "
            f"parameters {share(self.quantized_parameters, self.parameters)}"
        )


@dataclass(frozen=True)
class Plan:
    """What happens to each tensor of a model.

    ``layers`` holds those that have parameters or quantized tensors, and operators that cannot be quantized.
    """

    layers: tuple[LayerPlan, ...]

    def tensors(self) -> Iterator[TensorPlan]:
        """Iterate over every tensor that will be quantized."""
        for layer in self.layers:
            yield from layer.tensors

    @property
    def coverage(self) -> Coverage:
        """How much of the model is quantized."""
        counted = [layer for layer in self.layers if layer.parameters]
        return Coverage(
            layers=len(counted),
            quantized_layers=sum(any(t.role == "weight" for t in layer.tensors) for layer in counted),
            parameters=sum(layer.parameters for layer in counted),
            quantized_parameters=sum(layer.quantized_parameters for layer in counted),
        )
