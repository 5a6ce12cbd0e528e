"""One fault each: one diagnostic, in clear words, on the right text."""

from __future__ import annotations

from tests.editor.case import fault

CASTS = "bfloat16 and float16: a plain cast takes no qscheme, no scale, no observer and no is_dynamic."
TYPO = "Value is not accepted. Valid values:"
FAULTS = (
    fault(
        "per_group without group_size",
        "weight: {dtype: int4, qscheme: per_group}",
        "qscheme per_group needs group_size.",
        "weight",
        json_says='Missing property "group_size".',
    ),
    fault(
        "group_size without per_group",
        "weight: {dtype: int8, group_size: 32}",
        "group_size only applies to qscheme per_group.",
        "group_size",
    ),
    fault(
        "ch_axis under per_tensor",
        "weight: {dtype: int8, ch_axis: 0}",
        "ch_axis only applies to qscheme per_channel and per_group.",
        "ch_axis",
    ),
    fault(
        "an observer of a dynamic scale",
        "input: {dtype: int8, is_dynamic: true, observer: min_max}",
        "is_dynamic computes the scale from each batch, so it takes no observer.",
        "observer",
    ),
    fault("an observer of a cast", "input: {dtype: bfloat16, observer: min_max}", CASTS, "observer"),
    fault("a scheme of a cast", "weight: {dtype: bfloat16, qscheme: per_group}", CASTS, "qscheme"),
    fault("an asymmetric float", "input: {dtype: fp8_e4m3, symmetric: false}", "always symmetric", "false"),
    fault("an observer of mx", "weight: {dtype: mx, observer: min_max}", "each block computes", "observer"),
    fault("a scheme of mx", "weight: {dtype: mx, qscheme: per_tensor}", "can only be per_group", "per_tensor"),
    fault("a scale of mx", "weight: {dtype: mx, scale_type: float}", "scale_type can only be pof2.", "float"),
    fault("a group size of mx", "weight: {dtype: mx, group_size: 64}", "group_size can only be 32.", "64"),
    fault("a dynamic weight", "weight: {dtype: int8, is_dynamic: true}", "is_dynamic is for input and output", "true"),
    fault(
        "static groups of an input",
        "input: {dtype: int8, qscheme: per_group, group_size: 32}",
        "qscheme per_group on input and output needs is_dynamic: true",
        "input",
        json_says='Missing property "is_dynamic".',
    ),
    fault(
        "the IPU and 4 bits",
        "device: IPU\nmode: fx_graph_mode\nweight: {dtype: int4}",
        "IPU with profile xint8 takes weight dtype int8.",
        "int4",
    ),
    fault(
        "the IPU in a layer, by options",
        "device: {name: IPU}\nmode: fx_graph_mode\nlayers:\n- match: x\n  input: {dtype: int4}",
        "IPU with profile xint8 takes input dtype int8 or uint8.",
        "int4",
    ),
    fault(
        "the IPU and a float scale left out",
        "device: IPU\nmode: fx_graph_mode\nweight: {dtype: int8}",
        "IPU with profile xint8 takes weight int8 only with scale_type pof2.",
        "weight",
        json_says='Missing property "scale_type".',
    ),
    fault(
        "the IPU and a float scale",
        "device: IPU\nmode: fx_graph_mode\nweight: {dtype: int8, scale_type: float}",
        "IPU with profile xint8 takes weight int8 only with scale_type pof2.",
        "float",
    ),
    fault(
        "the IPU and a dynamic weight",
        "device: IPU\nmode: fx_graph_mode\nweight: {dtype: int8, scale_type: pof2, is_dynamic: true}",
        "is_dynamic is for input and output",
        "true",
    ),
    fault(
        "the IPU in a mode that it does not work with",
        "device: IPU\nmode: eager_mode",
        "IPU with profile xint8 works with mode fx_graph_mode only.",
        "eager_mode",
    ),
    fault(
        "another profile of the IPU",
        "device: {name: IPU, profile: a8w8}\nweight: {dtype: int8, scale_type: pof2}",
        "IPU with profile a8w8 takes weight int8 only with scale_type float.",
        "pof2",
    ),
    fault("a misspelt dtype on the IPU", "device: IPU\nmode: fx_graph_mode\nweight: {dtype: int9}", TYPO, "int9"),
    fault("a misspelt scheme", "weight: {dtype: int8, qscheme: per_grup, group_size: 32}", TYPO, "per_grup"),
    fault("a misspelt observer", "weight: {dtype: int8, observer: minmax}", TYPO, "minmax"),
    fault("a misspelt observer in options", "weight: {dtype: int8, observer: {name: minmax, a: 1}}", TYPO, "minmax"),
    fault("a misspelt dtype in the published schema", "weight: {dtype: int9}", TYPO, "int9", schema="published"),
    fault("options without a name", "weight: {dtype: int8, observer: {percentile: 99}}", '"name"', "observer"),
    fault(
        "an option of another",
        "weight: {dtype: int8, observer: {name: min_max, momentum: 0.5}}",
        "not allowed",
        "momentum",
    ),
    fault("a misspelt key", "weight: {dtype: int8, dtpye: int8}", "Property dtpye is not allowed.", "dtpye"),
    fault("no tensor", "weight: 3", "Incorrect type. Expected", "3"),
    fault("no pattern", "exclude: ['regex:x']".replace("'", '"'), "Write an exact name, glob:…", '"regex:x"'),
    fault("no pattern in match", "layers:\n- match: 3", "re:… or type:…, or a list of these.", "3"),
    fault("a number for a name", "weight: {dtype: int8, observer: 3}", TYPO, "3"),
)
