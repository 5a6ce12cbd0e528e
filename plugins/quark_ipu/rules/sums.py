"""Addition, subtraction and multiplication of activations and numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, fx

from quark_ipu.constants import constant
from quark_ipu.sites import Form, Site, Step

_READ = 7
"""Largest difference of positions that an addition takes."""


@dataclass(frozen=True)
class _Operand:
    """One of the two; ``source`` is None for a number, whose code is ``value``."""

    form: Form
    source: fx.Node | None = None
    value: int = 0


def summed(site: Site) -> Step | str:
    """Both are shifted up to the finer position; exact."""
    found = _operands(site)
    if isinstance(found, str):
        return found
    if site.option(2, "alpha", 1) != 1:
        return "it adds a multiple (alpha)"
    forms = [each.form for each in found]
    at, least = max(form.position for form in forms), min(form.position for form in forms)
    if any(each.source is None for each in found) and at - least > _READ:
        return "its number is too far from the position of its input"
    bound = site.hold(sum(form.bound << (at - form.position) for form in forms))
    return _step(Form(at, bound, codes=False), found, _add if site.note.kind == "add" else _subtract(site), at)


def multiplied(site: Site) -> Step | str:
    """Positions add up; exact."""
    found = _operands(site)
    if isinstance(found, str):
        return found
    first, second = (each.form for each in found)
    form = Form(first.position + second.position, site.hold(first.bound * second.bound), codes=False)
    return _step(form, found, operator.mul)


def _add(a: Tensor | int, b: Tensor | int) -> Tensor | int:
    return a + b


def _subtract(site: Site) -> Callable[..., Tensor | int]:
    turned = "rsub" in str(site.node.target)
    return lambda a, b: b - a if turned else a - b


def _step(form: Form, found: list[_Operand], compute: Callable[..., Tensor | int], at: int | None = None) -> Step:
    """``at``: the position that both are brought to, or None."""
    ups = [0 if at is None else at - each.form.position for each in found]
    sources = tuple(each.source for each in found if each.source is not None)

    def run(*given: Tensor) -> Tensor | int:
        values = iter(given)
        both = [next(values) if each.source is not None else each.value for each in found]
        return compute(*(value << up for value, up in zip(both, ups, strict=True)))

    return Step(form, sources, run)


def _operands(site: Site) -> list[_Operand] | str:
    """Return both operands, numbers with their position as near to the other's as can be, or why there are none."""
    given = [site.argument(0), site.argument(1)]
    near = next((form for value in given if (form := site.codes(value)) is not None), None)
    if near is None:
        return "its inputs are not quantized"
    found: list[_Operand] = []
    for value in given:
        made = _operand(site, value, near)
        if isinstance(made, str):
            return made
        found.append(made)
    return found


def _operand(site: Site, value: object, near: Form) -> _Operand | str:
    form = site.codes(value)
    if isinstance(value, fx.Node):
        return "its inputs are not quantized" if form is None else _Operand(form, value)
    number = constant(value) if isinstance(value, int | float) else None
    if number is None:
        return f"{value} is no 8-bit fixed-point number"
    if site.note.kind in ("add", "sub"):
        number = number.near(near.position)
    return _Operand(Form(number.position, abs(number.code), codes=True), value=number.code)
