"""What a report says: per tensor, what stayed float, sizes, and its plain values."""

import json
import math

import torch
from torch import nn

from quark_core.engine.report import FloatLayer, Report, TensorReport, decibels, sizes
from quark_core.plugin.plan import Coverage
from tests.unit.engine.sample_nets import INT8, ROWS8, Tied, convnet, images, mlp, run

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(3))


def test_there_is_a_row_for_each_tensor_of_the_plan() -> None:
    result = run(convnet(), images(), weight=ROWS8, input=INT8, exclude=["4"])
    assert [row.key for row in result.report.tensors] == [t.key for t in result.plan.tensors()]
    assert result.report.left_float == (
        FloatLayer("1", "BatchNorm2d", "BatchNorm2d has no quantized form", 16),
        FloatLayer("4", "MyLinear", "excluded by exclude[0]", 645),
    )
    assert result.report.coverage == result.plan.coverage


def test_quality_is_measured_for_weights_activations_and_outputs() -> None:
    report = run(mlp(), X, weight=ROWS8, input=INT8).report
    found = {row.key: row.sqnr_db for row in report.tensors}
    assert all(db is not None and 35 < db < 60 for db in found.values())
    assert report.output_sqnr_db is not None
    assert 30 < report.output_sqnr_db < 60


def test_what_loses_nothing_is_exact() -> None:
    net = nn.Linear(4, 4, bias=False)
    nn.init.constant_(net.weight, 127.0)
    report = run(net, torch.ones(2, 4), weight=INT8).report
    assert (report.tensors[0].sqnr_db, report.output_sqnr_db) == (math.inf, math.inf)
    assert "exact" in str(report)
    assert report.to_dict()["output_sqnr_db"] == "exact"


def test_sizes() -> None:
    report = run(mlp(), weight={"dtype": "int4"}).report
    assert report.float_bytes == 4 * (6 * 16 + 16 + 16 * 4 + 4)
    assert {row.key: (row.float_bytes, row.stored_bytes) for row in report.tensors} == {
        "0.weight": (384, 48 + 4),
        "2.weight": (256, 32 + 4),
    }
    assert report.stored_bytes == 52 + 36 + 80


def test_a_tied_weight_is_counted_once() -> None:
    report = run(Tied(), weight=ROWS8).report
    assert [(r.key, r.float_bytes, r.stored_bytes) for r in report.tensors] == [
        ("embed.weight", 384, 96 + 48),
        ("head.weight", None, None),
    ]
    assert (report.float_bytes, report.stored_bytes) == (384 + 48, 144 + 48)
    assert report.tensors[0].sqnr_db == report.tensors[1].sqnr_db


def test_the_text_for_people() -> None:
    text = str(run(mlp(), X, weight=ROWS8, input=INT8).report)
    assert "0.weight" in text
    assert "int8 per_channel axis 0 half_even min_max" in text
    assert "coverage: layers 2/2 (100.0%), parameters 160/180 (88.9%)" in text
    assert "over the first of 1 batches" in text
    assert text.endswith("mode: eager_mode, device: CPU")


def test_without_data_there_is_no_output_quality() -> None:
    text = str(run(mlp(), weight=INT8).report)
    assert "output SQNR: not measured, there was no data" in text


def test_plain_values_survive_json() -> None:
    tensor = TensorReport("a", "weight", "int8", "weight", math.nan, 4, 1)
    made = Report((tensor,), (), Coverage(1, 1, 1, 1), 4, 1, -math.inf, 0, "eager_mode", "CPU", None)
    values = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert (values["tensors"][0]["sqnr_db"], values["output_sqnr_db"]) == ("nan", "-inf")
    assert values["coverage"]["layers"] == 1


def test_words_for_numbers() -> None:
    assert [decibels(x) for x in (None, math.inf, 12.34, -3.0)] == ["-", "exact", "12.3", "-3.0"]
    assert [sizes(4, 1), sizes(None, 1), sizes(4, None)] == ["4 -> 1", "-", "-"]
