"""Graph mode: the model is traced with torch.fx and its modules are quantized within the graph."""

from typing import Literal

from quark_core.plugin import ModeSpec, Options, Ref, hookimpl

QUARK_API = 1


class FxOptions(Options):
    """Trace the model with torch.fx and quantize the modules in its graph; functional operators stay float."""

    name: Literal["fx_graph_mode"] = "fx_graph_mode"


FX = ModeSpec(FxOptions, Ref("quark_fx.mode:FxGraph"))


@hookimpl
def quark_modes() -> tuple[ModeSpec, ...]:
    """Return graph mode."""
    return (FX,)
