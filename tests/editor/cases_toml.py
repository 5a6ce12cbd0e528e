"""What taplo offers and says in TOML files: less, for it knows no ``if``, ``doNotSuggest`` or ``errorMessage``."""

from __future__ import annotations

from quark_dtypes import DTYPES
from tests.editor.case import Case
from tests.editor.cases_completion import HIDDEN_KEYS, TENSOR_KEYS

ROOT_KEYS = ("weight", "input", "output", "bias", "version", "mode", "device", "layers", "exclude", "calibration")
OBSERVERS = ("min_max", "moving_average", "percentile", "mse", "entropy")
INT9 = '"int9" is not one of ["int2",'

TOML_COMPLETIONS = (
    Case("toml: keys of the root", toml="|>\n", offers=ROOT_KEYS, words="Weights."),
    Case("toml: keys of the root below others", toml='version = 1\n|>\nmode = "eager_mode"\n', offers=ROOT_KEYS[:4]),
    Case(
        "toml: keys of the published root", toml="|>\n", schema="published", offers=("calibration",), words="How ranges"
    ),
    Case("toml: a table is begun with its dtype", toml="|>\n", offers=("weight",), inserts="weight = { dtype = $1 }$0"),
    Case("toml: headers", toml="[we|>]\n", offers=("weight", "input", "weight.observer"), words="Weights."),
    # It offers what depends on other fields everywhere.
    Case("toml: keys of a tensor", toml="[weight]\n|>\n", offers=(*TENSOR_KEYS, *HIDDEN_KEYS), words="Number format"),
    Case(
        "toml: keys that are there", toml='[weight]\ndtype = "int8"\n|>\n', offers=TENSOR_KEYS[1:], withholds=("dtype",)
    ),
    Case("toml: keys of an inline table", toml='weight = { dtype = "int8", |> }\n', offers=TENSOR_KEYS[1:]),
    Case(
        "toml: keys of a layer", toml='[[layers]]\nmatch = "x"\n|>\n', offers=("weight", "skip"), withholds=("device",)
    ),
    Case(
        "toml: a key is written with its default",
        toml='[weight]\ndtype = "int8"\n|>\n',
        offers=("qscheme",),
        inserts='qscheme = ${0:"per_tensor"}',
    ),
    Case(
        "toml: a choice is a name or a table",
        toml='[weight]\ndtype = "int8"\n|>\n',
        offers=("observer", "observer.name"),
        words="How the range of values is measured",
        inserts="observer = $0",
    ),
    Case(
        "toml: dtypes",
        toml='[weight]\ndtype = "|>"\n',
        offers=tuple(spec.name for spec in DTYPES),
        only=True,
        words="2-bit signed integer, -2 to 1.",
    ),
    Case("toml: dtypes without quotes", toml="[weight]\ndtype = |>\n", offers=("int8", "mx"), inserts='"int8"'),
    Case("toml: a plugin's dtypes", toml='[weight]\ndtype = "|>"\n', schema="acme", offers=("acme.nf4", "int8")),
    Case("toml: published dtypes", toml='[weight]\ndtype = "|>"\n', schema="published", offers=("int8", "mx")),
    Case(
        "toml: qschemes",
        toml='[weight]\ndtype = "int8"\nqscheme = "|>"\n',
        offers=("per_tensor", "per_channel", "per_group", "per_token", "per_block"),
        only=True,
        words="One scale for the whole tensor.",
    ),
    Case(
        "toml: observers by name",
        toml='[input]\ndtype = "int8"\nobserver = "|>"\n',
        offers=OBSERVERS,
        words="The smallest and the largest value seen.",
    ),
    Case(
        "toml: observers by name in options",
        toml='[input]\ndtype = "int8"\n[input.observer]\nname = "|>"\n',
        offers=OBSERVERS,
        only=True,
        words="The smallest and the largest value seen.",
    ),
    # The options themselves stand behind an `if`.
    Case(
        "toml: of an observer's options only the name",
        toml='[input]\ndtype = "int8"\n[input.observer]\n|>\n',
        offers=("name",),
        only=True,
    ),
    Case("toml: devices", toml='device = "|>"\n', offers=("CPU", "IPU"), words="Any CPU"),
    Case("toml: hover over a field of the root", toml='dev|>ice = "CPU"\n', words="What the model is quantized for"),
    Case("toml: hover over a field of a tensor", toml='[weight]\ndt|>ype = "int8"\n', words="Number format of the"),
    Case("toml: hover over a choice", toml='[weight]\ndtype = "int8"\nobs|>erver = "mse"\n', words="How the range of"),
    Case("toml: hover over a value", toml='[weight]\ndtype = "in|>t8"\n', words="8-bit signed integer, -128 to 127."),
)


def toml_fault(name: str, toml: str, message: str, marked: str, *, schema: str = "bundled") -> Case:
    return Case(f"toml: {name}", toml=toml, schema=schema, says=((message, marked),))


TOML_FAULTS = (
    toml_fault("a misspelt dtype", 'weight = { dtype = "int9" }', INT9, "dtype"),
    toml_fault("a misspelt dtype, published", '[weight]\ndtype = "int9"\n', INT9, "dtype", schema="published"),
    toml_fault(
        "a misspelt observer", 'weight = { dtype = "int8", observer = "minmax" }', 'not one of ["min_max"', "observer"
    ),
    toml_fault("a misspelt key", 'weight = { dtype = "int8", dtpye = "int8" }', "('dtpye' was unexpected)", "weight"),
    toml_fault(
        "an option of another",
        'weight = { dtype = "int8", observer = { name = "min_max", momentum = 0.5 } }',
        "('momentum' was unexpected)",
        "observer",
    ),
    toml_fault(
        "group_size without per_group",
        'weight = { dtype = "int8", group_size = 32 }',
        "False schema does not allow 32",
        "group_size",
    ),
    toml_fault(
        "per_group without group_size",
        'weight = { dtype = "int4", qscheme = "per_group" }',
        '"group_size" is a required property',
        "weight",
    ),
    toml_fault("an asymmetric float", 'input = { dtype = "fp8_e4m3", symmetric = false }', "true was", "symmetric"),
    toml_fault("the mode of a device", 'device = "IPU"\nmode = "eager_mode"', '"fx_graph_mode" was expected', "mode"),
    toml_fault(
        "a dtype of a device in a layer",
        'device = "IPU"\nmode = "fx_graph_mode"\n[[layers]]\nmatch = "x"\nweight = { dtype = "int4" }',
        '"int8" was expected',
        "dtype",
    ),
    toml_fault(
        "a plugin's device", 'device = "acme.npu"\n[bias]\ndtype = "int8"\n', "bfloat16", "dtype", schema="acme"
    ),
    # No folder ties this schema to the document: only its first line does.
    toml_fault(
        "a schema named in the first line",
        '#:schema ../quark.schema.json\n[weight]\ndtype = "int9"\n',
        INT9,
        "dtype",
        schema="none",
    ),
    Case("toml: no schema", toml='[weight]\ndtype = "int9"\n', schema="none", says=()),
)
TOML = (*TOML_COMPLETIONS, *TOML_FAULTS)
