"""What the rules of the executor are given of one operator, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from quark_core.engine.authoring import Convolution, Note, argument, convolution, stored_codes
from quark_ipu.accumulators import Accumulators
from quark_ipu.layers import parameter_quantizer
from quark_ipu.positions import code_range, position


@dataclass(frozen=True)
class Form:
    """What the integers of a value mean: each stands for itself times 2^-position."""

    position: int
    bound: int
    """Their largest magnitude."""
    codes: bool
    """Whether they are 8-bit codes, and not sums that wait for a quantizer."""
    is_open: bool = False
    """Whether the position is known only when the operator runs."""


@dataclass(frozen=True)
class Step:
    """How an operator is computed: ``run`` takes the integers of ``sources``, int32, and returns those of ``form``."""

    form: Form
    sources: tuple[fx.Node, ...]
    run: Callable[..., Any] | None
    """None where the operator itself moves integers just as well."""
    in_bytes: bool = False
    """Whether the operator itself moves bytes only."""
    moves: bool = False
    """Whether the position is that of the first source."""
    position_of: Callable[[Tensor], int] | None = None
    """Gives the position from the first source's integers, where ``form`` leaves it open."""


@dataclass(frozen=True)
class Parameter:
    """The codes of a weight or bias, int32."""

    codes: Tensor
    position: int


@dataclass(frozen=True)
class Site:
    """One operator of a converted graph, and the forms of the values before it."""

    node: fx.Node
    note: Note
    graph: fx.GraphModule
    forms: Mapping[fx.Node, Form]
    accumulators: Accumulators

    @property
    def layer(self) -> str:
        """What errors and reports call it."""
        return self.note.layer or self.node.name

    @property
    def module(self) -> nn.Module | None:
        """The module that the node calls, or None."""
        return self.graph.get_submodule(str(self.node.target)) if self.node.op == "call_module" else None

    @property
    def label(self) -> str:
        """What the class, function, method or aten operator of the node is called."""
        if self.module is not None:
            return type(self.module).__name__
        return str(getattr(self.node.target, "__name__", self.node.target))

    @property
    def is_aten(self) -> bool:
        """Whether torch.export wrote the node."""
        return isinstance(self.node.target, torch._ops.OpOverload)  # noqa: SLF001  # has no public name

    @property
    def given(self) -> tuple[Any, ...]:
        """The positional arguments of the node."""
        return self.node.args

    def argument(self, index: int = 0) -> Any:
        """Return one of the values that the operator computes with: a node, a number or a list of them."""
        return argument(self.node, self.note.inputs[index], self.note.names[index])

    def option(self, position: int, name: str, default: Any = None) -> Any:
        """Return an option: of the module, or the argument of the function (its input is the argument 0)."""
        found = argument(self.node, position, name) if self.module is None else getattr(self.module, name, None)
        return default if found is None else found

    def form(self, value: object) -> Form | None:
        """Return the form of a value, or None where it is in floating point."""
        return self.forms.get(value) if isinstance(value, fx.Node) else None

    def codes(self, value: object) -> Form | None:
        """Return the form of a value that is made of 8-bit codes, or None."""
        found = self.form(value)
        return found if found is not None and found.codes else None

    def hold(self, bound: int) -> int:
        """Return ``bound``, the largest magnitude of the operator's sums; raise DeviceError beyond 32 bits."""
        return self.accumulators.hold(self.layer, bound)

    def parameter(self, path: str | None) -> Parameter | None:
        """Return the codes of a weight or bias, or None where it is not an 8-bit integer one."""
        quantizer = parameter_quantizer(self.graph, path)
        if path is None or quantizer is None or code_range(quantizer) is None:
            return None
        shape = tuple(self.graph.get_parameter(path).shape)
        return Parameter(stored_codes(quantizer, shape).to(torch.int32).cpu(), position(quantizer))

    def walk(self) -> Convolution | None:
        """Return how a convolution walks over its input, or None where it does anything but pad with zeros before."""
        return convolution(self.node, self.graph)
