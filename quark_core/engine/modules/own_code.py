"""Whether a module computes more than its class says: what kernels of a device, which replace it, must ask."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

T = TypeVar("T")
_OF_MODE = "_quark_mode"


def mode_hook(hook: T) -> T:
    """Return ``hook``, marked as a mode's own way to quantize, and no code of the model."""
    # Not `setattr`, which frozen classes refuse.
    object.__setattr__(hook, _OF_MODE, True)
    return hook


def float_class(module: nn.Module) -> type[nn.Module]:
    """Return the class that a module had before a mode changed it."""
    cls: type[nn.Module] = getattr(module, "float_class", type(module))
    return cls


def own_code(module: nn.Module, *plain: type[nn.Module]) -> str | None:
    """Return what a module runs besides the forward of one of the classes ``plain``, in words; None when nothing.

    Without ``plain`` the forward of the module's class is taken for known. Hooks that a mode marked by ``mode_hook``
    do not count.
    """
    if "forward" in vars(module):
        return "it was given a forward of its own"
    hooks: tuple[Any, ...] = (*module._forward_pre_hooks.values(), *module._forward_hooks.values())  # noqa: SLF001 - torch tells of hooks nowhere else
    if not all(getattr(hook, _OF_MODE, False) for hook in hooks):
        return "it has forward hooks"
    if is_parametrized(module):
        return "its parameters are computed (torch.nn.utils.parametrize)"
    forward: Any = float_class(module).forward
    if plain and not any(forward is cls.forward for cls in plain):
        return "its class has a forward of its own"
    return None


def drop_mode_hooks(module: nn.Module) -> bool:
    """Take the hooks that a mode marked off ``module``; return whether there were any."""
    # PyTorch takes hooks off by handles only, which a model that was copied or loaded has none of.
    tables: tuple[Any, ...] = (module._forward_pre_hooks, module._forward_hooks)  # noqa: SLF001 - as said above
    marked = [key for table in tables for key, hook in table.items() if getattr(hook, _OF_MODE, False)]
    for name, table in vars(module).items():
        if name.startswith(("_forward_pre_hooks", "_forward_hooks")):
            for key in marked:
                table.pop(key, None)
    return bool(marked)
