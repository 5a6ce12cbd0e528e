"""``quark plan --graph``: the file, the same bytes every time, and what stands against a picture."""

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from quark_core.cli.picture import draw
from quark_core.plugin import Picture, PictureEdge, PictureNode
from tests.unit.cli.conftest import GRAPH, Quark

SMALL = Picture(
    (
        PictureNode("x", "input", look="end"),
        PictureNode("a<b>", "conv2d + relu", "int8 per_channel", look="quantized"),
        PictureNode("reshape", "reshape", look="moving"),
        PictureNode("soft & loud", "softmax", note="excluded by exclude[0] (some_long_file_name.yaml:3), and more"),
        PictureNode("output", "output", look="end"),
    ),
    (
        PictureEdge("x", "a<b>", "uint8 per_tensor", (1, 3, 8, 8), "a.input"),
        PictureEdge("a<b>", "reshape", "int8 per_tensor", scale="a.output"),
        PictureEdge("reshape", "soft & loud", "int8 per_tensor", scale="a.output"),
        PictureEdge("a<b>", "soft & loud", "float32"),
        PictureEdge("a<b>", "soft & loud", "int64", ()),
        PictureEdge("soft & loud", "output", "float32"),
    ),
)
STARTS = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF", ".dot": b"digraph"}


@pytest.fixture
def graph_config(work: Path) -> Path:
    path = work / "graph.yaml"
    path.write_text(GRAPH, encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", STARTS)
def test_every_kind_is_drawn_with_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for path in paths:
        draw(SMALL, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(STARTS[suffix])


def test_everything_is_in_the_picture(tmp_path: Path) -> None:
    draw(SMALL, tmp_path / "p.svg")
    text = (tmp_path / "p.svg").read_text(encoding="utf-8")
    for part in ("a&lt;b&gt;", "conv2d + relu", "weight int8 per_channel", "soft &amp; loud", "1x3x8x8", "int64"):
        assert part in text.replace("&#45;", "-").replace("&#160;", ""), part
    assert text.count("= a.output") == 2
    assert "scalar" in text
    assert text.count('class="edge"') == 6
    assert "computes in floating point" in text


def test_the_verb_draws_and_json_stays_json(quark: Quark, graph_config: Path, work: Path) -> None:
    args = ("plan", graph_config.name, "--model", "some_nets:powers", "--json", "--graph", "out.svg")
    ran = quark(*args)
    assert ran.code == 0
    assert json.loads(ran.out)["tensors"]
    assert "drawn to out.svg" in ran.err
    assert "uint8 per_tensor asym" in (work / "out.svg").read_text(encoding="utf-8")


def test_a_mode_without_a_graph_says_so(quark: Quark) -> None:
    ran = quark("plan", "int8.yaml", "--model", "some_nets:net", "--graph", "out.svg")
    assert ran.code == 1
    assert "eager_mode has no graph to draw; use fx_graph_mode" in ran.err


def test_other_kinds_of_files_are_refused_before_the_work(quark: Quark, graph_config: Path) -> None:
    ran = quark("plan", graph_config.name, "--model", "no_such:model", "--graph", "out.gif")
    assert ran.code == 1
    assert "unknown kind '.gif'; end it in one of .svg, .png, .pdf, .dot" in ran.err


def test_a_file_that_cannot_be_written_is_told(quark: Quark, graph_config: Path) -> None:
    ran = quark("plan", graph_config.name, "--model", "some_nets:powers", "--graph", "nowhere/out.svg")
    assert ran.code == 1
    assert "nowhere/out.svg: cannot be written: No such file or directory" in ran.err


def test_without_the_extra_it_says_what_to_install(
    quark: Quark, graph_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def fake(name: str, *args: Any, **rest: Any) -> Any:
        if name == "pygraphviz":
            raise ImportError("No module named 'pygraphviz'")
        return real(name, *args, **rest)

    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)
    monkeypatch.setattr(builtins, "__import__", fake)
    ran = quark("plan", graph_config.name, "--model", "some_nets:powers", "--graph", "out.svg")
    assert ran.code == 1
    assert "pip install 'quark-core[graph]'" in ran.err
