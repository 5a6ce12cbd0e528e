"""Keywords beyond draft-07 that the schema uses, and the words on closed vocabularies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quark_core.config.scaling import ScaleDtype, ScaleRule
from quark_core.config.type import QSchemeType, ScaleType

Schema = dict[str, Any]

ANNOTATIONS = (
    "doNotSuggest",
    "enumDescriptions",
    "errorMessage",
    "x-intellij-enum-metadata",
    "x-taplo",
)
"""What editors read and validators ignore; a strict validator such as ajv must be told of them."""

WORDS: dict[str, str] = {
    QSchemeType.per_tensor: "One scale for the whole tensor.",
    QSchemeType.per_channel: "One scale for each index along `ch_axis`.",
    QSchemeType.per_group: "One scale for each run of `group_size` values along `ch_axis`.",
    QSchemeType.per_token: "One scale for each row along the last axis, computed at run time. For activations.",
    QSchemeType.per_block: "One scale for each `block_size` rectangle of the last two axes. For weights.",
    ScaleType.float: "Any positive number.",
    ScaleType.pof2: "A power of two, which hardware applies as a shift.",
    ScaleRule.round: "The nearest power of two of the float scale.",
    ScaleRule.ceil: "The next power of two above the float scale: nothing is clipped.",
    ScaleRule.floor: "pof2: the power of two below the float scale. MX: floor(log2(amax)) - emax, OCP MX 6.3.",
    ScaleRule.even: "MX: like floor, after rounding amax to the element's mantissa.",
    ScaleRule.rceil: "MX: the power of two above amax / largest element: nothing is clipped.",
    ScaleDtype.float32: "IEEE single precision.",
    ScaleDtype.float16: "IEEE half precision.",
    ScaleDtype.bfloat16: "bfloat16.",
    "weight": "The weights.",
    "input": "The activations that enter the layer.",
    "output": "The activations that leave the layer.",
    "bias": "The biases.",
}
"""What editors say beside each value of the closed vocabularies."""


def documented(pairs: Iterable[tuple[str, str]], main: str = "") -> Schema:
    """Return an enum of names, with the words on each name where the various editors look for them.

    ``main`` is what taplo shows for the field itself, where the enum stands in a branch below it.
    """
    names, words = [], []
    for name, text in pairs:
        names.append(name)
        words.append(text)
    return {
        # No `type` beside it, or a field that is still empty is reported twice.
        "enum": names,
        "enumDescriptions": words,
        "x-intellij-enum-metadata": {n: {"description": w} for n, w in zip(names, words, strict=True)},
        "x-taplo": {"docs": {**({"main": main} if main else {}), "enumValues": words}},
    }
