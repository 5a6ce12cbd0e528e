"""What a mode tells about a model, so that a plan can be made without torch."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TensorOutline:
    """One tensor of a layer that could be quantized."""

    role: str
    """``weight``, ``bias``, ``input`` or ``output``."""
    name: str
    """Name within the layer: the parameter's name, or the argument's (``input``, ``query``)."""
    shape: tuple[int, ...] | None = None
    """Known for parameters; for activations only when example inputs were given."""
    channel_axis: int = 0
    """Axis of ``per_channel`` when the config names none."""
    group_axis: int = -1
    """Axis of ``per_group`` when the config names none."""
    group_length: int | None = None
    """Size along ``group_axis`` when it is known without the shape."""
    storage: str | None = None
    """Name of the first parameter that shares these values; two equal names are one tied tensor."""
    elements: int = 0
    """Number of values, for parameters."""
    value: str | None = None
    """Which activation this is; equal names are one tensor, which gets one quantizer for equal settings."""
    grid: str | None = None
    """The activation whose values this one repeats, behind operators that only move or pick values (reshape, max
    pool); the same as ``value`` where there are none. Its per-tensor scale serves here too."""
    joined: str | None = None
    """Activations with equal names here must share one per-tensor scale, as the inputs of a concatenation."""


@dataclass(frozen=True)
class LayerOutline:
    """One module (or graph node) of a model."""

    name: str
    """Qualified name, ``""`` for the root."""
    types: tuple[str, ...]
    """Class name, then the names of its bases, most derived first: what ``type:`` patterns match."""
    tensors: tuple[TensorOutline, ...] = ()
    """What can be quantized here; empty for containers and for what the mode does not know."""
    parameters: int = 0
    """Number of values in the parameters that are this layer's own."""
    unsupported: str | None = None
    """Why a layer that has parameters cannot be quantized, or, beside ``tensors``, why some of it stays float."""
    on_request: bool = False
    """Whether its tensors are quantized only where an entry of ``layers`` says so, not by the rules at the root."""
    operator: str | None = None
    """What it computes, in the words of capabilities: ``linear``, ``conv2d``, ``add``; None where that is not known."""

    @property
    def type(self) -> str:
        """Class name."""
        return self.types[0]


@dataclass(frozen=True)
class Outline:
    """A model, as a list of layers in the order of ``named_modules``."""

    layers: tuple[LayerOutline, ...] = field(default=())
