"""Graph mode: the model becomes a torch.fx graph, whose operators and edges are quantized."""

from typing import Annotated, Literal

from pydantic import Field

from quark_core.plugin import ModeSpec, Options, Ref, hookimpl

QUARK_API = 1


class FxOptions(Options):
    """Quantize the whole graph: modules, functional operators, and one quantizer for each edge."""

    name: Literal["fx_graph_mode"] = "fx_graph_mode"
    trace: Literal["auto", "symbolic", "export"] = "auto"
    """How the graph is found: torch.fx symbolic trace, torch.export, or the first of them that works."""
    leaves: tuple[str, ...] = Field((), strict=False)
    """Module paths and class names that are kept whole instead of being traced into; torch.export cannot do so."""
    fold_batch_norm: bool = True
    """Fold each batch norm into the convolution or linear layer before it."""
    fuse_relu: bool = True
    """Quantize the output of a convolution, linear layer or addition behind the ReLU or ReLU6 that follows it."""
    attention: Literal["whole", "decomposed"] = "whole"
    """Keep scaled_dot_product_attention one operator, or take it apart into matmul, softmax and matmul."""
    operators: Literal["arithmetic", "all"] = "arithmetic"
    """What the rules at the root quantize: layers with weights, products, sums and concatenations, or also softmax,
    norms, activations and averages. An entry of ``layers`` reaches every known operator."""
    dynamic_axes: tuple[Annotated[int, Field(ge=0)], ...] = Field((0,), max_length=8, strict=False)
    """Axes of tensor inputs whose size torch.export leaves open."""


FX = ModeSpec(FxOptions, Ref("quark_fx.mode:FxGraph"))


@hookimpl
def quark_modes() -> tuple[ModeSpec, ...]:
    """Return graph mode."""
    return (FX,)
