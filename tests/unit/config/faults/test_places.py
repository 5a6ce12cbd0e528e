from __future__ import annotations

import pytest

from quark_core.config.load import Format, loads_config
from tests.unit.config.marked import problems_of, unmark

YAML: list[tuple[str, str, str]] = [
    ("unknown_field", "«weigth»: {dtype: int8}", "unknown field 'weigth'; did you mean 'weight'?"),
    ("unknown_field", "weight:\n  dtype: int8\n  «obsever»: x", "did you mean 'observer'?"),
    (
        "unknown_field",
        "weight: {dtype: int8, observer: {name: percentile, «percentle»: 99}}",
        "did you mean 'percentile'?",
    ),
    ("unknown_field", "«foo»: 1", "unknown field 'foo'"),
    ("missing_field", "«weight»: {qscheme: per_tensor}", "missing field 'dtype'"),
    ("missing_field", "layers:\n  - «skip: [input]»  # why", "missing field 'match'"),
    ("missing_field", "weight: {dtype: int8, «observer»: {percentile: 9}}", "missing field 'name'"),
    ("unknown_name", "weight:\n  dtype: «int9» # here", "no installed plugin adds dtype 'int9'; did you mean 'int8'?"),
    ("unknown_name", "weight: {dtype: int8, observer: {name: «mn_max»}}", "did you mean 'min_max'?"),
    ("unknown_value", "weight: {dtype: int8, qscheme: «per_chanel»}", "did you mean 'per_channel'?"),
    ("unknown_value", "version: «true»", "expected 1, found true (a boolean)"),
    ("type", "weight:\n  dtype: int8\n  symmetric: «yes»", "'yes' is a string in YAML 1.2, not true or false"),
    ("type", "weight: {dtype: int8, symmetric: «'no'»}", "'no' is a string, not true or false"),
    ("type", "weight:\n  dtype: «»", "expected the name of a dtype, found nothing (null)"),
    ("type", "weight: «int8»", "expected an object, found 'int8' (a string)"),
    ("type", "exclude: «head»", "expected a list, found 'head' (a string)"),
    ("type", "exclude: [«3»]", "expected a string, found 3 (a whole number)"),
    ("type", "layers: [{match: «3»}]", "expected a pattern or a list of patterns, found 3"),
    ("type", "calibration: {batches: «'8'»}", "expected a whole number, found '8' (a string)"),
    ("range", "calibration: {batches: «0»}", "expected at least 1, found 0"),
    ("range", "weight: {dtype: int8, observer: {name: moving_average, momentum: «1.5»}}", "expected less than 1"),
    ("range", "weight: {dtype: int8, observer: {name: percentile, percentile: «.nan»}}", "a finite number, found nan"),
    ("pattern", "exclude: ['a', «'b:c'»]", "'b:c' is not a layer pattern"),
    ("too_short", "layers: [{match: «[]»}]", "match is an empty list"),
    ("regex", "layers: [{match: «'re:('»}]", "not a regular expression: missing )"),
    ("regex", "layers: [{match: [a, «'re:*'»]}]", "nothing to repeat"),
    ("regex", "exclude: [«'re:[b-a]'»]", "bad character range"),
    ("requirement", "requires: [«'a b'»]", "'a b' is not a requirement"),
    ("requirement", "requires: [«'pydantic[email]>=2'»]", "no extras"),
    ("requirement", "requires: [«'pydantic; python_version>\"3\"'»]", "no environment marker"),
    ("requirement", "requires: [«'pydantic @ https://example.org/x.whl'»]", "no URL"),
    ("requires", "requires: ['pydantic>=2', «'quark-nowhere>=1'»]", "quark-nowhere is not installed"),
    ("requires", "requires: [«'pydantic<2'»]", "is installed, which is not <2"),
    ("group_size_missing", "«weight»: {dtype: int8, qscheme: per_group}", "per_group needs group_size"),
    ("group_size_unused", "weight: {dtype: int8, «group_size»: 8}", "group_size only applies to"),
    ("is_dynamic_unused", "weight: {dtype: int8, is_dynamic: «true»}", "is_dynamic is for input and output"),
    ("device_scale_type", "device: IPU\nmode: fx_graph_mode\n«input»: {dtype: int8}", "only with scale_type pof2"),
    (
        "device_dtype",
        "device: IPU\nmode: fx_graph_mode\nlayers:\n- match: é\n  weight: {dtype: «int4»}",
        "IPU with profile xint8 takes weight dtype int8",
    ),
    ("device_mode", "device: IPU\nmode: «eager_mode»", "IPU with profile xint8 works with mode fx_graph_mode only"),
    ("device_mode", "«device»: IPU\nversion: 1", "IPU with profile xint8 works with mode fx_graph_mode only"),
    ("device_scale_type", "device: {name: IPU, profile: a8w8}\ninput: {dtype: int8, scale_type: «pof2»}", "float"),
    ("duplicate_key", "device: CPU\n«device»: CPU", "'device' is given twice, here and at 1:1"),
    ("key", "{device: CPU, «1»: x}", "a key must be a string, not 1"),
    ("key", "? «[a]»\n: x", "a key must be a string, not a list or a mapping"),
    ("tag", "exclude: [«!!binary aGk=»]", "the tag !!binary is not allowed"),
    ("merge", "calibration: {<<: «[1]»}", "'<<' takes the alias of a mapping"),
    ("alias", "exclude: [«*a»]", "no anchor &a stands before this alias"),
    ("alias", "exclude: &a [«*a»]", "the alias *a stands inside its own anchor"),
    ("tab", "weight:\n«\t»dtype: int8", "a tab cannot indent YAML"),
    ("syntax", "a: b«:» c", "a ':' cannot stand here"),
    ("syntax", 'device: «"»CPU', "a quote is opened and never closed"),
    ("documents", "device: CPU\n«---»\ndevice: CPU", "a second YAML document"),
    ("type", "«-» 1\n- 2", "expected an object, found a list"),
    ("empty", "«#» nothing", "nothing but comments"),
]
JSON: list[tuple[str, str, str]] = [
    ("unknown_field", '{"a": 1, «"weigth"»: {"dtype": "int8"}}', "did you mean 'weight'?"),
    ("unknown_name", '{\n  "é": 1,\n\t"weight": {"dtype": «"int9"»}}', "did you mean 'int8'?"),
    ("missing_field", '{«"weight"»: {}}', "missing field 'dtype'"),
    ("missing_field", '{"layers": [«{}»]}', "missing field 'match'"),
    ("type", '{"weight": {"dtype": "int8", "symmetric": «"true"»}}', "'true' is a string, not true or false"),
    ("duplicate_key", '{"device": "CPU",\r\n «"device"»: "CPU"}', "'device' is given twice, here and at 1:2"),
    ("syntax", '{"device": "CPU"«,»}', "a comma with nothing after it"),
    ("syntax", "{\"device\": «'»CPU'}", "not JSON: expecting value"),
    ("syntax", "{«/»/ no\n}", "not JSON: expecting property name"),
    ("number", '{"version": «NaN»}', "NaN is not JSON"),
    ("number", '{"version": «-Infinity»}', "-Infinity is not JSON"),
    ("encoding", '{"exclude": [«"\\ud800"»]}', "half of a character"),
    ("regex", '{"exclude": ["ß", «"re:("»]}', "missing )"),
    ("type", "«[»1]", "expected an object, found a list"),
]
TOML: list[tuple[str, str, str]] = [
    ("unknown_field", '[weight]\ndtype = "int8"\n«obsever» = 1', "did you mean 'observer'?"),
    ("unknown_field", '[«weigth»]\ndtype = "int8"', "did you mean 'weight'?"),
    ("unknown_field", 'weight.dtype = "int8"\nweight.«"obsever"» = 1', "did you mean 'observer'?"),
    ("unknown_name", 'device = "CPU"\nweight = {dtype = «"int9"»}', "did you mean 'int8'?"),
    ("unknown_name", '[[layers]]\nmatch = "é"\n[layers.weight]\ndtype = «"int9"» # x', "did you mean 'int8'?"),
    ("missing_field", '[[layers]]\nmatch = "a"\n[[«layers»]]\nskip = ["input"]', "missing field 'match'"),
    ("missing_field", "[«weight»]", "missing field 'dtype'"),
    ("range", "[calibration]\nbatches = «0»", "expected at least 1"),
    ("pattern", "exclude = [\n  'a', # one\n  «'b:c'»,\n]", "not a layer pattern"),
    ("date", "exclude = [«2024-01-01»]", "dates and times are not allowed"),
    ("date", "exclude = [«07:32:00»]", "dates and times are not allowed"),
    ("syntax", "weight = «y»es", "this is not a TOML value"),
    ("syntax", 'exclude = ["a«»', "never closed"),
    ("duplicate_key", 'device = "CPU"\n«device» = "IPU"', "'device' is given twice, here and at 1:1"),
    ("duplicate_key", '[weight]\ndtype = "a"\n[«weight»]', "'weight' is given twice, here and at 1:2"),
    ("duplicate_key", 'weight = {dtype = "a", «dtype» = "b"}', "'dtype' is given twice, here and at 1:11"),
    ("duplicate_key", '[[layers]]\nmatch = "a"\n«match» = "b"', "'match' is given twice, here and at 2:1"),
    ("syntax", 'weight = {dtype = "a"}\nweight.symmetric = true«»', "this table was already written in full"),
]
CASES = [(form, *case) for form, cases in (("yaml", YAML), ("json", JSON), ("toml", TOML)) for case in cases]


@pytest.mark.parametrize(("form", "code", "marked", "message"), CASES)
def test_fault_is_marked_where_it_stands(form: Format, code: str, marked: str, message: str) -> None:
    text, (place,) = unmark(marked)
    found = [(p.place, p.code) for p in problems_of(text, form) if message in p.message]
    assert found == [(place, code)]


def test_caret_stands_under_the_fault() -> None:
    (problem,) = problems_of("weight:\n  dtype: int8\n  symmetric: yes\n", "yaml")
    assert str(problem) == (
        "<string>:3:14: weight.symmetric: 'yes' is a string in YAML 1.2, not true or false\n"
        "   3 |   symmetric: yes\n"
        "     |              ^^^\n"
        "     fix: write true"
    )


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yaml", "exclude: [a]\nlayers:\n  - match: x\n  - match: [y]\n    weight: {dtype: int8}\n"),
        ("toml", 'exclude = ["a"]\n[[layers]]\nmatch = "x"\n[[layers]]\nmatch = ["y"]\nweight.dtype = "int8"\n'),
        ("json", '{"exclude": ["a"],\n"layers": [{\n"match": "x"}, {\n"match": ["y"],\n"weight": {"dtype": "int8"}}]}'),
    ],
)
def test_config_knows_where_it_was_written(form: Format, text: str) -> None:
    config = loads_config(text, form)
    wanted: list[tuple[tuple[str | int, ...], str]] = [
        (("exclude", 0), "a"),
        (("layers", 0, "match", 0), "x"),
        (("layers", 1, "match", 0), "y"),
        (("layers", 1, "weight"), "weight"),
    ]
    for path, shown in wanted:
        place = config.place(*path)
        assert place is not None
        assert place.source[place.column - 1 :][: place.length].strip("\"'") == shown
    first, second = config.place("layers", 0), config.place("layers", 1)
    assert first is not None
    assert second is not None
    assert first.line < second.line
