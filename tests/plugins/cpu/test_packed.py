"""Weights of few bits and tables stay packed, and give the very bits of the quantized model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.plugins.cpu.shared import INT8, MODES, ROWS8, held_bytes, lowered, outputs, paths, reasons
from tests.unit.engine.sample_nets import Tied, mlp

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))
NARROW: list[dict[str, Any]] = [
    {"dtype": "int4"},
    {"dtype": "int4", "qscheme": "per_channel"},
    {"dtype": "uint4", "qscheme": "per_channel", "symmetric": False},
    {"dtype": "int3", "qscheme": "per_group", "group_size": 16},
    {"dtype": "int2", "qscheme": "per_channel", "ch_axis": 1},
    {"dtype": "nf4", "qscheme": "per_channel"},
    {"dtype": "fp4_e2m1", "qscheme": "per_channel"},
    {"dtype": "mxfp4"},
    {"dtype": "nvfp4"},
    {"dtype": "int4", "qscheme": "per_block", "block_size": [16, 16]},
]


class Wide(nn.Module):
    """Layers whose sizes fit every scheme."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(64, 32)
        self.conv = nn.Conv1d(32, 64, 1)
        self.head = nn.Linear(64, 32)

    def forward(self, index: Tensor) -> Tensor:
        x = self.conv(self.table(index).transpose(1, 2)).relu()
        result: Tensor = self.head(x.transpose(1, 2))
        return result


INDEX = torch.randint(0, 64, (2, 7), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weight", NARROW, ids=lambda w: " ".join(map(str, w.values())))
def test_bit_for_bit_in_a_fraction_of_the_memory(mode: str, weight: dict[str, Any]) -> None:
    sizes = {"mxfp4", "nvfp4"} & {weight["dtype"]} or weight.get("qscheme") in ("per_block", "per_group")
    exclude = ["conv"] if sizes else []
    result = lowered(Wide(), INDEX, mode=mode, weight=weight, exclude=exclude)
    exact, found = outputs(result, INDEX)
    assert torch.equal(exact, found)
    assert set(paths(result).values()) == {"dequantized"}
    assert reasons(result)["head"] == f"packed {weight['dtype']}"
    assert reasons(result)["table"] == "rows of packed codes"
    assert result.lowered is not None
    held, before = held_bytes(result.lowered), held_bytes(Wide())
    bits = float(4 if "4" in weight["dtype"] else weight["dtype"][-1])
    left = 32 * 64 * 4 if exclude else 0
    assert held - left < (before - left) * bits / 32 + 3000
    assert not any(name.endswith("head.weight") for name in result.lowered.state_dict())


@pytest.mark.parametrize("mode", MODES)
def test_codes_and_scales_are_all_that_is_held(mode: str) -> None:
    weight = {"dtype": "int4", "qscheme": "per_group", "group_size": 16}
    for net, x in ((nn.Linear(64, 32, bias=False), torch.randn(2, 64)), (nn.Embedding(32, 64), INDEX % 32)):
        result = lowered(nn.Sequential(net), x, mode=mode, weight=weight)
        assert result.lowered is not None
        codes, scales, one_zero_point = 64 * 32 // 2, 4 * 64 * 32 // 16, 4
        assert held_bytes(result.lowered) in (codes + scales + one_zero_point, codes)
        exact, found = outputs(result, x)
        assert torch.equal(exact, found)


@pytest.mark.parametrize("mode", MODES)
def test_inputs_are_still_quantized(mode: str) -> None:
    result = lowered(mlp(), X, mode=mode, weight={"dtype": "int4"}, input=INT8, output=INT8)
    exact, found = outputs(result, X)
    assert torch.equal(exact, found)
    assert paths(result) == {"0": "dequantized", "2": "dequantized"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "weight",
    [
        ROWS8,
        INT8,
        {"dtype": "int5", "qscheme": "per_channel"},
        {"dtype": "int8", "qscheme": "per_channel", "ch_axis": 1},
        {"dtype": "uint8", "qscheme": "per_group", "group_size": 8, "symmetric": False},
        {"dtype": "int8", "qscheme": "per_group", "group_size": 8, "ch_axis": 0},
        {"dtype": "fp8_e4m3"},
        {"dtype": "bfloat16"},
        {"dtype": "mx"},
    ],
    ids=lambda w: " ".join(map(str, w.values())),
)
@pytest.mark.parametrize("columns", [32, 33])
def test_tables_give_the_rows_that_are_asked_for(mode: str, weight: dict[str, Any], columns: int) -> None:
    if columns == 33 and (weight.get("ch_axis") != 0 and ("group_size" in weight or weight["dtype"] == "mx")):
        columns = 64
    torch.manual_seed(0)
    net = nn.Sequential(nn.Embedding(40, columns))
    index = torch.tensor([[0, 39, 7], [7, 7, 1]])
    result = lowered(net, index, mode=mode, weight=weight)
    for asked in (index, index[0], index[0, 0], index[:0]):
        exact, found = outputs(result, asked)
        assert torch.equal(exact, found)
        assert exact.dtype == found.dtype


@pytest.mark.parametrize("mode", MODES)
def test_a_tied_weight(mode: str) -> None:
    index = torch.tensor([[0, 3, 7]])
    for weight in ({"dtype": "int4", "qscheme": "per_channel"}, ROWS8):
        result = lowered(Tied(), index, mode=mode, weight=weight)
        exact, found = outputs(result, index)
        assert torch.equal(exact, found)


def test_a_functional_table_in_an_exported_graph() -> None:
    mode = {"name": "fx_graph_mode", "trace": "export"}
    result = lowered(Wide(), INDEX, mode=mode, weight={"dtype": "int4", "qscheme": "per_channel"})
    assert "aten" in str(result.model.code) or "embedding" in str(result.model.code)
    exact, found = outputs(result, INDEX)
    assert torch.equal(exact, found)
    assert set(paths(result).values()) == {"dequantized"}
    assert result.lowered is not None
    assert held_bytes(result.lowered) < held_bytes(Wide()) / 4


def test_attention_reads_packed_parameters() -> None:
    net = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    result = lowered(net, x, weight={"dtype": "int4", "qscheme": "per_channel"})
    exact, found = outputs(result, x)
    assert torch.equal(exact, found)
    assert set(paths(result).values()) == {"dequantized"}
