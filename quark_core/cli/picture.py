"""Draws a picture of a model's graph with Graphviz, which comes with the extra ``graph``."""

from __future__ import annotations

import re
from collections import defaultdict
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import Any

from quark_core.errors import UsageError
from quark_core.plugin.picture import Picture, PictureEdge, PictureNode

SUFFIXES = (".svg", ".png", ".pdf", ".dot")
_FONT = "Helvetica,Arial,sans-serif"
_QUANTIZED, _FLOAT, _MOVING = "#1f5fa8", "#c2571a", "#8a8a8a"
_SHARED = ("#7b3fa0", "#1b8a4b", "#b3246b", "#0b8f95", "#8a6d00", "#5a5ad6", "#a33b3b", "#4d7a1f")
"""Colours of scales that serve the results of several nodes, in turn."""
_NODES: dict[str, dict[str, str]] = {
    "quantized": {"fillcolor": "#dcebfa", "color": _QUANTIZED, "style": "filled,rounded"},
    "float": {"fillcolor": "#fdeadb", "color": _FLOAT, "style": "filled,dashed"},
    "moving": {"fillcolor": "#efefef", "color": "#c4c4c4", "fontcolor": "#5f5f5f", "style": "filled,rounded"},
    "end": {"fillcolor": "#ffffff", "color": "#333333", "style": "filled"},
}


def check_drawing(path: Path) -> None:
    """Raise UsageError when ``path`` is no picture that can be drawn here."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"--graph {path}: unknown kind {path.suffix!r}; end it in one of {', '.join(SUFFIXES)}")
    _graphviz()


def draw(picture: Picture, path: Path) -> None:
    """Write ``picture`` to ``path``, as its suffix says; the same picture gives the same bytes.

    Raises UsageError when the kind is unknown, the extra is not installed or the file cannot be written.
    """
    check_drawing(path)
    graph = _graph(picture)
    kind = path.suffix[1:]
    data: bytes = graph.to_string().encode() if kind == "dot" else graph.draw(format=kind, prog="dot")
    if kind == "pdf":
        data = re.sub(rb"/CreationDate \(D:\d{14}", b"/CreationDate (D:20000101000000", data)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UsageError(f"--graph {path}: cannot be written: {error.strerror or error}") from error


def _graphviz() -> Any:
    try:
        import pygraphviz
    except ImportError as error:
        raise UsageError(
            f"--graph draws with Graphviz, which is not there ({error}): pip install 'quark-core[graph]'"
        ) from error
    return pygraphviz


def _graph(picture: Picture) -> Any:
    graph = _graphviz().AGraph(directed=True, strict=False, rankdir="TB", nodesep="0.3", ranksep="0.32", fontname=_FONT)
    graph.node_attr.update(fontname=_FONT, fontsize="12", shape="box", margin="0.12,0.06", height="0.3")
    graph.edge_attr.update(fontname=_FONT, fontsize="10", arrowsize="0.7")
    ids = {node.name: f"n{index}" for index, node in enumerate(picture.nodes)}
    for node in picture.nodes:
        graph.add_node(ids[node.name], label=_label(node), tooltip=node.name, **_NODES[node.look], **_small(node))
    colors = _colors(picture)
    for index, edge in enumerate(picture.edges):
        # A key of its own: two edges may join the same nodes.
        graph.add_edge(ids[edge.source], ids[edge.target], key=str(index), **_edge(edge, colors))
    graph.add_node("legend", shape="plain", label=_legend(shared=bool(colors)))
    return graph


def _small(node: PictureNode) -> dict[str, str]:
    return {"fontsize": "10", "margin": "0.08,0.03", "height": "0.22"} if node.look == "moving" else {}


def _label(node: PictureNode) -> str:
    if node.look == "moving":
        return f"<{escape(node.kind)}>"
    lines = [f"<b>{escape(node.name)}</b>"]
    if node.kind != node.name:
        lines.append(escape(node.kind))
    if node.weight:
        lines += [f'<font color="{_QUANTIZED}">{escape(line)}</font>' for line in wrap(f"weight {node.weight}", 40)]
    lines += [f'<font point-size="10">{escape(line)}</font>' for line in wrap(node.note, 40)]
    return f"<{'<br/>'.join(lines)}>"


def _colors(picture: Picture) -> dict[str, str]:
    """Return a colour for each scale that the results of several nodes have."""
    sources: defaultdict[str, set[str]] = defaultdict(set)
    for edge in picture.edges:
        if edge.scale:
            sources[edge.scale].add(edge.source)
    shared = [scale for scale, nodes in sources.items() if len(nodes) > 1]
    return {scale: _SHARED[index % len(_SHARED)] for index, scale in enumerate(shared)}


def _edge(edge: PictureEdge, colors: dict[str, str]) -> dict[str, str]:
    lines = [escape(edge.carries)]
    if edge.scale in colors:
        lines.append(f"= {escape(edge.scale)}")
    if edge.shape is not None:
        lines.append(f'<font color="#6b6b6b">{"x".join(map(str, edge.shape)) or "scalar"}</font>')
    color = colors.get(edge.scale, _QUANTIZED) if edge.scale else _FLOAT
    # The spaces keep the text off the line.
    label = "<br/>".join(f"&#160;{line}&#160;" for line in lines)
    style = {"penwidth": "1.6"} if edge.scale else {"style": "dashed"}
    return {"label": f"<{label}>", "color": color, "fontcolor": color, **style}


def _legend(*, shared: bool) -> str:
    rows = [
        _sample("quantized", "computes with quantized values"),
        _sample("float", "computes in floating point"),
        _sample("moving", "only moves or picks values"),
        _line("&#8212;&#8212;", _QUANTIZED, "quantized values"),
        _line("- - -", _FLOAT, "values as they were computed"),
    ]
    if shared:
        several = "".join(f'<font color="{color}">&#8212;</font>' for color in _SHARED[:4])
        rows.append(f"<tr><td>{several}</td>{_text('one scale for several results: = its owner')}</tr>")
    table = '<table border="1" color="#bbbbbb" cellborder="0" cellspacing="4" cellpadding="3">'
    return f"<{table}{''.join(rows)}</table>>"


def _sample(look: str, text: str) -> str:
    colors = _NODES[look]
    cell = f'<td width="30" height="14" border="1" color="{colors["color"]}" bgcolor="{colors["fillcolor"]}"></td>'
    return f"<tr>{cell}{_text(text)}</tr>"


def _line(drawn: str, color: str, text: str) -> str:
    return f'<tr><td><font color="{color}"><b>{drawn}</b></font></td>{_text(text)}</tr>'


def _text(text: str) -> str:
    return f'<td align="left"><font point-size="10">{escape(text)}</font></td>'
