"""Every dtype of the seed with every scheme, scale, rounding and symmetry: it runs on the grid, or is refused at once.

What is allowed, and what a grid is, stand here a second time, written from the formats' definitions alone.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from quark_core import QuantConfig, quantize
from quark_core.config.type import Dtype, QSchemeType, RoundType, ScaleType
from quark_core.engine.quantizer import parameter_quantizers, quantizers

INTEGERS = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15)}
CASTS = {"bfloat16": torch.bfloat16, "float16": torch.float16}

Settings = dict[str, Any]
SIZES: dict[QSchemeType, Settings] = {
    QSchemeType.per_group: {"group_size": 32},
    QSchemeType.per_block: {"block_size": [2, 2]},
}


class Net(nn.Module):
    """A convolution and a linear layer whose channels divide by 32."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(32, 32, 2)
        self.fc = nn.Linear(32, 32)

    def forward(self, x: Tensor) -> Tensor:
        """Return one value for each channel."""
        result: Tensor = self.fc(self.conv(x).relu().mean((2, 3)))
        return result


@pytest.fixture(scope="module")
def net() -> Net:
    """Return the network with weights that reach both signs."""
    torch.manual_seed(21)
    return Net().eval()


@pytest.fixture(scope="module")
def batch() -> Tensor:
    """Return two images."""
    return torch.randn(2, 32, 3, 3, generator=torch.Generator().manual_seed(22))


def everything() -> Iterator[Settings]:
    """Yield every combination, each field written out; a size where the scheme asks for one."""
    for dtype, scheme, scale, rounding, symmetric in product(Dtype, QSchemeType, ScaleType, RoundType, (True, False)):
        made: Settings = {
            "dtype": dtype.value,
            "qscheme": scheme.value,
            "scale_type": scale.value,
            "round_method": rounding.value,
            "symmetric": symmetric,
        }
        yield made | SIZES.get(scheme, {})


def allowed(settings: Settings) -> bool:
    """Say whether a weight may have these settings."""
    dtype = settings["dtype"]
    if dtype in CASTS:
        return False  # they take neither scheme nor scale, and both are written out here
    if settings["qscheme"] == "per_token":
        return False  # tokens are activations
    if dtype == "mx":
        return (settings["qscheme"], settings["scale_type"], settings["symmetric"]) == ("per_group", "pof2", True)
    return dtype in INTEGERS or settings["symmetric"] is True


TAKEN = [s for s in everything() if allowed(s)]
REFUSED = [s for s in everything() if not allowed(s)]
PLAIN = [{"dtype": dtype, "round_method": r.value} for dtype in CASTS for r in RoundType]


def name(settings: Settings) -> str:
    """Return the name of a case."""
    return "-".join(str(value) for value in settings.values())


def rows(x: Tensor, settings: Settings) -> np.ndarray:
    """Return ``x`` as [blocks, elements] float64."""
    array: np.ndarray = x.detach().double().numpy()
    if settings.get("qscheme") == "per_channel":
        return array.reshape(array.shape[0], -1)
    if settings["dtype"] == "mx" or settings.get("qscheme") == "per_group":
        return np.moveaxis(array, 1, -1).reshape(-1, 32)
    if settings.get("qscheme") == "per_block":
        *outer, height, width = array.shape
        return np.moveaxis(array.reshape(*outer, height // 2, 2, width // 2, 2), -3, -2).reshape(-1, 4)
    return array.reshape(1, -1)


def levels(settings: Settings, zero: np.ndarray) -> np.ndarray:
    """Return every value of the format at scale 1, [blocks or 1, levels], for zero points [blocks, 1]."""
    if settings["dtype"] in INTEGERS:
        low, high = INTEGERS[settings["dtype"]]
        whole: np.ndarray = np.arange(low, high + 1)[None, :] - zero
        return whole
    # E4M3, all 256 patterns: bias 7, subnormals below 2^-6, S.1111.111 is NaN.
    codes = np.arange(127)
    exponent, mantissa = codes >> 3, codes & 7
    positive = np.where(exponent == 0, mantissa * 2.0**-9, (1 + mantissa / 8) * 2.0 ** (exponent - 7.0))
    return np.concatenate((-positive, positive)).reshape(1, -1)


def off_grid(x: Tensor, settings: Settings, scale: Tensor, zero_point: Tensor | None) -> float:
    """Return how far the values of ``x`` are from the nearest multiple of a level, in float32 steps."""
    blocks, scales = rows(x, settings), scale.double().numpy()[:, None]
    zero = np.zeros_like(scales) if zero_point is None else zero_point.double().numpy()[:, None]
    grid = np.sort(levels(settings, zero) * scales, axis=1)
    worst = 0.0
    for index, block in enumerate(blocks):
        line = grid[index if grid.shape[0] > 1 else 0]
        at = np.clip(np.searchsorted(line, block), 1, len(line) - 1)
        near = np.minimum(np.abs(block - line[at]), np.abs(block - line[at - 1]))
        worst = max(worst, float((near / np.maximum(np.abs(block), 1e-30)).max()))
    return worst / 2.0**-23


def config(settings: Settings) -> QuantConfig:
    """Return a config for weights and, where groups allow it, inputs."""
    inputs = dict(settings)
    if settings.get("qscheme") == "per_group" and settings["dtype"] != "mx":
        inputs["is_dynamic"] = True
    if settings.get("qscheme") == "per_block":
        del inputs["block_size"]
        inputs |= {"qscheme": "per_token", "is_dynamic": True}
    return QuantConfig.model_validate({"weight": settings, "input": inputs})


@pytest.mark.parametrize("settings", TAKEN, ids=name)
def test_what_is_allowed_runs_on_the_grid(settings: Settings, net: Net, batch: Tensor) -> None:
    result = quantize(net, config(settings), calibration=[batch], progress=False)
    seen: dict[str, Tensor] = {}
    for quantizer in quantizers(result.model):
        quantizer.register_forward_hook(lambda q, _args, out: seen.__setitem__(q.key, out))
    with torch.no_grad():
        out = result.model(batch)
    assert bool(out.isfinite().all())
    assert not torch.equal(out, net(batch))
    assert result.report.coverage.quantized_layers == 2
    assert len(seen) == 2
    for module, parameter, quantizer in parameter_quantizers(result.model):
        weight, scale = module.get_parameter(parameter), quantizer.scale
        assert scale is not None
        assert off_grid(weight, settings, scale, quantizer.zero_point) <= 1
        again = quantizer(weight)
        if settings["scale_type"] == "pof2":
            assert bool((scale.frexp().mantissa == 0.5).all())
        if settings["scale_type"] == "pof2" or settings["round_method"] != "floor":
            assert torch.equal(again, weight), "on the grid, nothing moves any more"
        else:
            # In float32, (k * scale) / scale can be just below k, where floor takes the next lower code.
            assert bool((again <= weight).all())
            assert off_grid(again, settings, scale, quantizer.zero_point) <= 1
    for quantizer in quantizers(result.model):
        if quantizer.tensor.role == "input" and quantizer.scale is not None and settings["qscheme"] == "per_tensor":
            assert off_grid(seen[quantizer.key], settings, quantizer.scale, quantizer.zero_point) <= 1


@pytest.mark.parametrize("settings", PLAIN, ids=name)
def test_plain_casts_run_and_are_casts(settings: Settings, net: Net, batch: Tensor) -> None:
    result = quantize(net, config(settings), calibration=[batch], progress=False)
    target = CASTS[settings["dtype"]]
    assert bool(result.model(batch).isfinite().all())
    for module, parameter, _ in parameter_quantizers(result.model):
        weight = module.get_parameter(parameter)
        assert torch.equal(weight.to(target).float(), weight)
    if settings["round_method"] == "half_even":
        weight = result.model.get_parameter("fc.weight")
        assert torch.equal(weight, net.fc.weight.to(target).float())


@pytest.mark.parametrize("settings", REFUSED, ids=name)
def test_what_is_not_allowed_is_refused_before_there_is_a_model(settings: Settings) -> None:
    with pytest.raises(ValidationError):
        QuantConfig.model_validate({"weight": settings})


def test_nothing_is_left_out() -> None:
    assert len(TAKEN) + len(REFUSED) == 8 * 5 * 2 * 3 * 2
    assert len(TAKEN) == 4 * 4 * 2 * 3 * 2 + 4 * 2 * 3 + 3
