"""Tables for people: rows that say the same are counted."""

from quark_core.engine.report import FloatLayer, Report, TensorReport
from quark_core.plugin.plan import Coverage
from quark_core.table import counted


def test_rows_that_differ_in_the_first_cell_only_are_counted() -> None:
    rows = [("a", "pow", "why"), ("b", "exp", "why"), ("c", "pow", "why"), ("d", "pow", "other")]
    assert counted((row, True) for row in rows) == [
        ("2 x pow", "pow", "why"),
        ("b", "exp", "why"),
        ("d", "pow", "other"),
    ]


def test_rows_without_the_flag_stay() -> None:
    rows = [("a", "Linear", "excluded"), ("b", "Linear", "excluded")]
    assert counted((row, False) for row in rows) == rows


def test_a_report_counts_operators_and_names_shared_quantizers() -> None:
    tensors = (
        TensorReport("a.output", "output", "int8 per_tensor", "output", 40.0),
        TensorReport("b.input", "input", "int8 per_tensor", "input", 40.0, shared="a.output"),
    )
    left = (*(FloatLayer(f"pow_{i}", "pow", "pow is not known") for i in range(3)), FloatLayer("c", "LSTM", "lstm", 8))
    report = Report(tensors, left, Coverage(1, 1, 1, 1), 4, 1, None, 0, "fx_graph_mode", "CPU", None)
    lines = [" ".join(line.split()) for line in str(report).splitlines()]
    assert "b.input = a.output input 40.0 -" in lines
    assert "3 x pow pow pow is not known" in lines
    assert "c LSTM lstm" in lines
    assert report.to_dict()["tensors"][1]["shared"] == "a.output"
