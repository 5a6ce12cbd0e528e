"""What plugins add, and what the published schema makes of names that it does not know."""

from __future__ import annotations

from tests.editor.case import Case, fault

PLUGINS = (
    Case(
        "a plugin's dtypes",
        yaml="weight:\n  dtype: |>",
        json='{"weight": {"dtype": |>}}',
        schema="acme",
        offers=("acme.int3", "acme.nf4", "int8"),
        words="3 bits, in groups only. (plugin acme)",
    ),
    Case(
        "an observer that needs options is offered in options only",
        yaml="input:\n  dtype: int8\n  observer: |>",
        json='{"input": {"dtype": "int8", "observer": {"name": |>}}}',
        schema="acme",
        offers=("acme.ema",),
    ),
    Case(
        "a plugin's options",
        yaml="input:\n  dtype: int8\n  observer:\n    name: acme.histogram\n    |>",
        json='{"input": {"dtype": "int8", "observer": {"name": "acme.histogram", |>}}}',
        schema="acme",
        offers=("bins", "metric", "range", "window", "notes"),
        withholds=("momentum", "percentile"),
        words="Number of bins; must be given.",
    ),
    Case(
        "a model below a plugin's options",
        yaml="input:\n  dtype: int8\n  observer:\n    name: acme.histogram\n    bins: 64\n    window:\n      |>",
        schema="acme",
        offers=("length",),
        words="Batches in the window.",
    ),
    Case(
        "one plugin's observer among two hundred",
        yaml="input:\n  dtype: int8\n  observer:\n    name: acme137.observer\n    |>",
        json='{"input": {"dtype": "int8", "observer": {"name": "acme137.observer", |>}}}',
        schema="many",
        offers=("strength_137",),
        only=True,
    ),
    Case(
        "one plugin's dtype among two hundred",
        yaml="weight:\n  dtype: |>",
        json='{"weight": {"dtype": |>}}',
        toml='[weight]\ndtype = "|>"\n',
        schema="many",
        offers=("acme137.int", "acme0.int", "acme199.int", "int8"),
        words="Format 137. (plugin acme137)",
    ),
    Case(
        "the published schema takes prefixed names and their options",
        yaml="device: acme.npu\nweight: {dtype: acme.x, observer: {name: acme.y, z: 1}, round_method: acme.z}",
        json='{"weight": {"dtype": "acme.x", "qscheme": "per_group", "observer": {"name": "acme.y", "z": 1}}}',
        schema="published",
        says=(),
    ),
    Case(
        "the published schema offers the bundled names",
        yaml="weight:\n  dtype: |>",
        json='{"weight": {"dtype": |>}}',
        schema="published",
        offers=("int8", "mx"),
        words="8-bit signed integer, -128 to 127.",
    ),
    fault(
        "an observer without its option",
        "weight: {dtype: int8, observer: {name: acme.histogram}}",
        'Missing property "bins".',
        "observer",
        schema="acme",
    ),
    fault(
        "the bare name of an observer that needs options",
        "weight: {dtype: int8, observer: acme.histogram}",
        "Value is not accepted. Valid values:",
        "acme.histogram",
        schema="acme",
    ),
    fault(
        "a plugin's dtype that has groups by default",
        "weight: {dtype: acme.int3}",
        "qscheme per_group needs group_size.",
        "weight",
        schema="acme",
        json_says='Missing property "group_size".',
    ),
    fault(
        "a plugin's device",
        "device: acme.npu\nbias: {dtype: int8}",
        "acme.npu takes bias dtype bfloat16.",
        "int8",
        schema="acme",
    ),
    fault(
        "a role that a device does not take",
        "device: acme.npu\noutput: {dtype: int8}",
        "acme.npu takes output in floating point only: leave it out.",
        "dtype",
        schema="acme",
    ),
)
