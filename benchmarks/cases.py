"""The formats and schemes that are benchmarked: a fixed list, then every further dtype that a plugin adds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.peers.case import Case
from quark_core import TensorConfig
from quark_core.config.resolve import resolve
from quark_core.config.type import QSchemeType
from quark_core.functional import dynamic_parameters
from quark_core.plugin import DtypeSpec
from quark_core.registry import current

FIXED: tuple[dict[str, Any], ...] = (
    {"dtype": "int8", "qscheme": "per_tensor"},
    {"dtype": "int8", "qscheme": "per_channel"},
    {"dtype": "uint8", "qscheme": "per_channel", "symmetric": False},
    {"dtype": "int4", "qscheme": "per_group", "group_size": 32},
    {"dtype": "int4", "qscheme": "per_group", "group_size": 128},
    {"dtype": "bfloat16"},
    {"dtype": "float16"},
    {"dtype": "fp8_e4m3", "qscheme": "per_channel"},
    {"dtype": "mx"},
)


def configs(formats: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield the tensor configs to measure; ``formats`` (dtypes or whole labels) keeps those that it names."""
    fixed = {config["dtype"] for config in FIXED}
    further = (_usual(spec) for name, spec in current().dtypes().items() if name not in fixed)
    for config in (*FIXED, *further):
        if not formats or config["dtype"] in formats or label(config) in formats:
            yield config


def _usual(spec: DtypeSpec) -> dict[str, Any]:
    # Weights are mostly quantized per channel; a block format has no choice, a plain cast no scheme.
    if not spec.scaled or spec.is_block or QSchemeType.per_channel not in spec.allowed_qschemes:
        return {"dtype": spec.name}
    return {"dtype": spec.name, "qscheme": "per_channel"}


def label(config: dict[str, Any]) -> str:
    """Return ``int4 per_group 32`` for a config."""
    words = [config["dtype"], config.get("qscheme"), config.get("group_size")]
    words.append("asymmetric" if config.get("symmetric") is False else None)
    return " ".join(str(word) for word in words if word is not None)


def make_case(config: dict[str, Any], shape: tuple[int, int]) -> Case:
    """Return the case of a config on normally distributed values, its parameters measured from them."""
    settings = resolve(TensorConfig.model_validate(config))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    own = settings.dtype.scaled and not settings.dtype.is_block
    return Case(label(config), settings, x, dynamic_parameters(x, settings) if own else None)
