"""Hook mode: no module is replaced; forward hooks quantize what enters and leaves them."""

from typing import Annotated, Literal

from pydantic import Field

from quark_core.plugin import ModeSpec, Options, Ref, hookimpl

QUARK_API = 1


class HookOptions(Options):
    """Hook into modules instead of replacing them: classes, names and their own forward stay as they are."""

    name: Literal["hooks.hook_mode"] = "hooks.hook_mode"
    # JSON has no tuples, and a strict field would refuse its lists.
    classes: tuple[Annotated[str, Field(pattern=r"^[^\s.:*?]+$")], ...] = Field(
        default=(), strict=False, max_length=256, json_schema_extra={"uniqueItems": True}
    )
    """Further classes to quantize, besides the operators of torch.nn, by their plain names; subclasses count too. Their
    floating-point parameters are weights, those named like a bias are biases; the tensors that forward requires are
    inputs, what it returns is the output."""


HOOKS = ModeSpec(HookOptions, Ref("quark_hooks.mode:Hooks"))


@hookimpl
def quark_modes() -> tuple[ModeSpec, ...]:
    """Return hook mode."""
    return (HOOKS,)
