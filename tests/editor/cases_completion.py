"""What is offered, where, with which words."""

from __future__ import annotations

from quark_dtypes import DTYPES
from tests.editor.case import Case

TENSOR_KEYS = ("dtype", "qscheme", "symmetric", "scale_type", "round_method", "observer")
HIDDEN_KEYS = ("group_size", "ch_axis")

COMPLETIONS = (
    Case(
        "keys of the root",
        yaml="|>",
        json="{|>}",
        offers=("weight", "input", "output", "bias", "version", "mode", "device", "layers", "exclude", "calibration"),
        withholds=("$schema", "dtype"),
        words="Weights.",
    ),
    Case("keys of a tensor", "weight:\n  |>", '{"weight": {|>}}', offers=TENSOR_KEYS, withholds=HIDDEN_KEYS),
    Case(
        "keys of a tensor in layers",
        yaml="layers:\n  - match: x\n    weight:\n      |>",
        json='{"layers": [{"match": "x", "weight": {|>}}]}',
        offers=TENSOR_KEYS,
        withholds=(*HIDDEN_KEYS, "match"),
    ),
    Case(
        "a key is written with its colon and default",
        yaml="weight:\n  dtype: int8\n  |>",
        offers=("qscheme", "observer"),
        inserts="qscheme: ${1:per_tensor}",
    ),
    Case(
        "dtypes",
        yaml="weight:\n  dtype: |>",
        json='{"weight": {"dtype": |>}}',
        offers=tuple(spec.name for spec in DTYPES),
        only=True,
        words="2-bit signed integer, -2 to 1.",
    ),
    Case(
        "qschemes",
        yaml="weight:\n  dtype: int8\n  qscheme: |>",
        json='{"weight": {"dtype": "int8", "qscheme": |>}}',
        offers=("per_group", "per_tensor", "per_channel", "per_token", "per_block"),
        only=True,
        words="One scale for each run of `group_size` values along `ch_axis`.",
    ),
    Case(
        "observers by name",
        yaml="input:\n  dtype: int8\n  observer: |>",
        json='{"input": {"dtype": "int8", "observer": |>}}',
        offers=("min_max", "moving_average", "percentile"),
        words="The smallest and the largest value seen.",
    ),
    Case(
        "observers by name in options",
        yaml="input:\n  dtype: int8\n  observer:\n    name: |>",
        json='{"input": {"dtype": "int8", "observer": {"name": |>}}}',
        offers=("percentile", "min_max", "moving_average", "mse", "entropy"),
        only=True,
        words="Range that holds the given share of the values",
    ),
    Case(
        "options of an observer and of no other",
        yaml="input:\n  dtype: int8\n  observer:\n    name: percentile\n    |>",
        json='{"input": {"dtype": "int8", "observer": {"name": "percentile", |>}}}',
        offers=("percentile",),
        only=True,
        words="Share of the values that the upper bound covers",
    ),
    Case(
        "group_size and ch_axis under per_group",
        yaml="weight:\n  dtype: int4\n  qscheme: per_group\n  |>",
        json='{"weight": {"dtype": "int4", "qscheme": "per_group", |>}}',
        offers=("group_size", "ch_axis"),
        withholds=("qscheme", "is_dynamic"),
        words="Number of values that share one scale.",
    ),
    Case(
        "only ch_axis under per_channel",
        yaml="weight:\n  dtype: int4\n  qscheme: per_channel\n  |>",
        json='{"weight": {"dtype": "int4", "qscheme": "per_channel", |>}}',
        offers=("ch_axis",),
        withholds=("group_size",),
    ),
    Case(
        "neither under per_tensor",
        yaml="weight:\n  dtype: int4\n  qscheme: per_tensor\n  |>",
        json='{"weight": {"dtype": "int4", "qscheme": "per_tensor", |>}}',
        offers=("observer",),
        withholds=HIDDEN_KEYS,
    ),
    Case(
        "is_dynamic for an input",
        yaml="input:\n  dtype: int8\n  |>",
        json='{"input": {"dtype": "int8", |>}}',
        offers=("is_dynamic",),
        words="Whether the scale is computed from each batch",
    ),
    Case(
        "no is_dynamic for a weight",
        yaml="weight:\n  dtype: int8\n  |>",
        json='{"weight": {"dtype": "int8", |>}}',
        withholds=("is_dynamic",),
    ),
    Case(
        "a cast takes hardly anything",
        yaml="input:\n  dtype: bfloat16\n  |>",
        json='{"input": {"dtype": "bfloat16", |>}}',
        offers=("round_method", "symmetric"),
        only=True,
    ),
    Case("devices", "device: |>", '{"device": |>}', offers=("CPU", "IPU"), words="Any CPU"),
    Case(
        "roles to skip",
        yaml="layers:\n  - match: x\n    skip: [|>]",
        json='{"layers": [{"match": "x", "skip": [|>]}]}',
        offers=("weight", "input", "output", "bias"),
        words="The weights.",
    ),
    Case("a list of layers is begun", "|>", offers=("layers",), inserts="layers:\n  - "),
    Case("hover over a field", "wei|>ght: {dtype: int8}", '{"wei|>ght": {"dtype": "int8"}}', words="Weights."),
    Case(
        "hover over a field of a tensor",
        yaml="weight: {dt|>ype: int8}",
        json='{"weight": {"dt|>ype": "int8"}}',
        words="Number format of the quantized values.",
    ),
    Case(
        "hover over a value",
        yaml="weight: {dtype: in|>t8}",
        json='{"weight": {"dtype": "in|>t8"}}',
        words="`int8`: 8-bit signed integer, -128 to 127.",
    ),
)
