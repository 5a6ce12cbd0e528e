"""``quark validate``, ``schema``, ``plugins`` and ``show``: what needs neither torch nor a model."""

import json
from pathlib import Path

import pytest

from quark_core.config.schema import schema_text
from quark_core.errors import PluginLoadError
from quark_core.registry import KINDS, Plugin, Registry, installed
from tests.contract.acme import acme_registry
from tests.unit.cli.conftest import Quark

ROOT = Path(__file__).parents[3]
BAD = "weight: {dtype: int9}\nlayers:\n  - match: a\n    weight: {dtype: int4, qscheme: per_group}\n"


@pytest.fixture
def bad(work: Path) -> Path:
    path = work / "bad.yaml"
    path.write_text(BAD, encoding="utf-8")
    return path


def test_valid_files_are_ok(quark: Quark, work: Path) -> None:
    (work / "b.json").write_text('{"weight": {"dtype": "int8"}}', encoding="utf-8")
    (work / "c.toml").write_text('[weight]\ndtype = "int8"\n', encoding="utf-8")
    ran = quark("validate", "int8.yaml", "b.json", "c.toml")
    assert (ran.code, ran.out, ran.err) == (0, "int8.yaml: ok\nb.json: ok\nc.toml: ok\n", "")


def test_faults_are_printed_with_place_and_count(quark: Quark, bad: Path) -> None:
    ran = quark("validate", "int8.yaml", "bad.yaml", "nowhere.yaml")
    assert (ran.code, ran.err) == (1, "")
    assert "int8.yaml: ok" in ran.out
    assert "bad.yaml:1:17: weight.dtype: no installed plugin adds dtype 'int9'; did you mean 'int8'?" in ran.out
    assert "bad.yaml:4:5: layers[0].weight.group_size: qscheme per_group needs group_size." in ran.out
    assert "nowhere.yaml:1:1: there is no such file" in ran.out
    assert ran.out.endswith("3 faults in 2 of 3 files\n")


def test_faults_as_json(quark: Quark, bad: Path) -> None:
    ran = quark("validate", "--format", "json", "bad.yaml", "nowhere.yaml", "int8.yaml")
    rows = json.loads(ran.out)
    assert ran.code == 1
    assert [(r["file"], r["line"], r["column"], r["path"]) for r in rows] == [
        ("bad.yaml", 1, 17, "weight.dtype"),
        ("bad.yaml", 4, 5, "layers[0].weight.group_size"),
        ("nowhere.yaml", 1, 1, ""),
    ]
    assert rows[1]["code"] == "group_size_missing"
    assert rows[1]["fix"] == "add group_size"
    assert json.loads(quark("validate", "--format", "json", "int8.yaml").out) == []


def test_faults_for_github_are_escaped(quark: Quark, work: Path) -> None:
    name = "100%,a:b.yaml"
    (work / name).write_text("weight: {dtype: 'a%0Ab'}\n", encoding="utf-8")
    ran = quark("validate", "--format", "github", name, "int8.yaml")
    (line,) = ran.out.splitlines()
    assert ran.code == 1
    assert line.startswith("::error file=100%25%2Ca%3Ab.yaml,line=1,col=17,title=")
    assert "'a%250Ab'" in line
    assert quark("validate", "--format", "github", "int8.yaml").out == ""


def test_github_lines_carry_the_fix_on_the_same_line(quark: Quark, bad: Path) -> None:
    lines = quark("validate", "--format", "github", "bad.yaml").out.splitlines()
    assert len(lines) == 2
    assert lines[1].endswith("needs group_size.%0Afix: add group_size")


def test_the_schema_is_printed_and_written(quark: Quark, work: Path) -> None:
    assert quark("schema").out == schema_text(installed())
    ran = quark("schema", "--out", "s.json")
    assert (ran.code, ran.out) == (0, "wrote s.json\n")
    assert (work / "s.json").read_text(encoding="utf-8") == schema_text(installed())


def test_the_published_schema_is_the_committed_one(quark: Quark) -> None:
    committed = (ROOT / "schemas" / "quark.schema.json").read_text(encoding="utf-8")
    assert quark("schema", "--published").out == committed


def test_a_schema_that_cannot_be_written_is_a_fault(quark: Quark, work: Path) -> None:
    ran = quark("schema", "--out", "no/such/folder/s.json")
    assert (ran.code, ran.err.splitlines()[0]) == (
        1,
        "error: no/such/folder/s.json: cannot be written: No such file or directory",
    )


def test_plugins_are_listed(quark: Quark) -> None:
    ran = quark("plugins")
    assert (ran.code, ran.err) == (0, "")
    assert "rounding: floor, half_even, round" in ran.out
    rows = {row["name"]: row for row in json.loads(quark("plugins", "--json").out)}
    assert rows["quark_cpu"]["adds"] == [{"kind": "device", "name": "CPU"}]
    assert rows["quark_cpu"]["bundled"] is True
    assert all(row["error"] is None for row in rows.values())


def test_broken_plugins_are_shown_and_exit_with_1(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    from quark_core.cli import plugins
    from quark_core.errors import PluginLoadError

    error = PluginLoadError("acme", "quark-acme 0.1", "failed to load: ImportError: no acme")
    broken = Registry(plugins=[Plugin("acme", "quark-acme 0.1", error=error)])
    monkeypatch.setattr(plugins, "installed", lambda: broken)
    ran = quark("plugins")
    assert ran.code == 1
    assert "nothing: it is broken" in ran.out
    assert ran.err == "\nbroken: plugin 'acme' (quark-acme 0.1): failed to load: ImportError: no acme\n"
    ran = quark("plugins", "--json")
    assert (ran.code, json.loads(ran.out)[0]["error"]) == (1, "failed to load: ImportError: no acme")


@pytest.mark.parametrize("kind", KINDS)
def test_everything_installed_can_be_shown(quark: Quark, kind: str) -> None:
    names = list(installed().specs(kind))
    listed = quark("show", kind)
    assert listed.code == 0
    for name in names:
        assert name in listed.out
        ran = quark("show", kind, name)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"{kind} {name}, from plugin {installed().owner(kind, name).name} (")


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("dtype", "mx", "group_size: 32"),
        ("dtype", "bfloat16", "a plain cast: no scheme, scale or observer"),
        ("dtype", "uint4", "symmetric: true or false"),
        ("dtype", "fp8_e4m3", "symmetric: always"),
        ("observer", "percentile", "percentile"),
        ("device", "IPU", "uint8"),
        ("device", "CPU", "takes every tensor config"),
        ("mode", "fx_graph_mode", "one quantizer for each edge"),
    ],
)
def test_what_show_says(quark: Quark, kind: str, name: str, said: str) -> None:
    assert said in quark("show", kind, name).out


def test_show_says_which_formats_an_observer_is_for(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quark_core.cli.show.installed", acme_registry)
    ran = quark("show", "observer", "acme.histogram")
    assert "\nfor integer and codebook formats only\n" in ran.out


def test_a_schema_without_a_broken_plugin_says_so(quark: Quark, monkeypatch: pytest.MonkeyPatch) -> None:
    error = PluginLoadError("acme", "quark-acme 0.1", "failed to load: ImportError: no acme")
    registry = acme_registry()
    registry.plugins.append(Plugin("acme", "quark-acme 0.1", error=error))
    monkeypatch.setattr("quark_core.cli.schema.installed", lambda: registry)
    ran = quark("schema")
    assert ran.code == 0
    said = "warning: the schema lacks what is broken: plugin 'acme' (quark-acme 0.1): failed to load"
    assert ran.err.startswith(said)
    assert "warning" not in quark("schema", "--published").err


def test_an_unknown_name_has_a_suggestion(quark: Quark) -> None:
    ran = quark("show", "dtype", "int9")
    assert ran.code == 1
    assert ran.err.startswith("error: no installed plugin adds dtype 'int9'; did you mean 'int8'?")
