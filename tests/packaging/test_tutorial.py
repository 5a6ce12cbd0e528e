"""The tutorial as it stands: its files are typed, its commands run, in a clean environment."""

import ast
import json
import shlex
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, blocks, commands, files, write_files
from tests.packaging.conftest import Installation, run

PAGE = DOCS / "tutorial.md"
FILES = files(PAGE)
PYTHON = {path: text for path, text in FILES.items() if path.endswith(".py")}
REFUSED = "twine upload"
"""The one command that is not run."""

Ran = dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def project(installation: Installation) -> Iterator[Path]:
    """Return a folder with the files of the page; what its commands install is uninstalled again."""
    folder = installation.work / "tutorial"
    folder.mkdir()
    assert write_files(PAGE, folder) == list(FILES)
    yield folder
    installation.run("python", "-m", "pip", "uninstall", "-q", "-y", "quark-tiny")


@pytest.fixture(scope="module")
def ran(installation: Installation, project: Path) -> Ran:
    """Return what each command of the page printed, run in their order."""
    done: Ran = {}
    for command in commands(PAGE):
        if not command.startswith(REFUSED):
            done[command] = _run(installation, project, command)
    return done


def _run(installation: Installation, project: Path, command: str) -> subprocess.CompletedProcess[str]:
    program, *words = shlex.split(command)
    expanded = [str(path) for word in words for path in (sorted(project.glob(word)) if "*" in word else [word])]
    return run(installation.bin / program, *expanded, cwd=project)


def test_it_is_under_forty_lines_as_it_says() -> None:
    lines = [line for text in PYTHON.values() for line in text.splitlines() if line.strip()]
    assert len(lines) < 40
    assert f"It takes {len(lines)} lines of Python" in PAGE.read_text(encoding="utf-8")


def test_its_files_are_a_plugin_with_tests() -> None:
    assert list(FILES) == [
        "quark_tiny/__init__.py",
        "quark_tiny/headroom.py",
        "tests/test_tiny.py",
        "pyproject.toml",
        "tiny.yaml",
    ]
    assert sum(len(blocks(PAGE, language)) for language in ("python", "toml", "yaml")) == len(FILES)
    assert not {"torch"} & {name for text in (PYTHON["quark_tiny/__init__.py"],) for name in _imports(text)}


def _imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_every_command_but_the_upload_ran(ran: Ran) -> None:
    left = [command for command in commands(PAGE) if command not in ran]
    assert left == ["twine upload dist/*"]
    assert {done.returncode for done in ran.values()} == {0}


def test_it_is_listed_and_shown(ran: Ran) -> None:
    [line] = [line for line in ran["quark plugins"].stdout.splitlines() if line.startswith("tiny ")]
    assert line.split() == ["tiny", "quark-tiny", "0.1.0", "dtype:", "tiny.int3;", "observer:", "tiny.headroom"]
    shown = ran["quark show observer tiny.headroom"].stdout
    for said in ("from plugin tiny", "factor", "1.25", "How far the range reaches beyond what was seen."):
        assert said in shown


def test_the_report_has_its_names(ran: Ran) -> None:
    [quantized] = [done.stdout for command, done in ran.items() if command.startswith("quark quantize")]
    assert "tiny.int3" in quantized
    assert "tiny.headroom" in quantized


def test_a_factor_out_of_bounds_is_refused_at_its_line(installation: Installation, ran: Ran, project: Path) -> None:
    assert ran
    text = FILES["tiny.yaml"]
    (project / "wrong.yaml").write_text(text.replace("factor: 1.5", "factor: 0.5"), encoding="utf-8")
    for command in (
        ("validate", "wrong.yaml"),
        ("plan", "wrong.yaml", "--model", "quark_core.demo.network:digits_net"),
    ):
        checked = run(installation.bin / "quark", *command, cwd=project, check=False)
        assert checked.returncode == 1
        assert "wrong.yaml:6:" in checked.stdout + checked.stderr
        assert "fix: " in checked.stdout + checked.stderr


def test_the_editor_gets_it(ran: Ran, project: Path) -> None:
    assert ran
    schema = json.loads((project / "quark.schema.json").read_text(encoding="utf-8"))
    text = json.dumps(schema)
    for said in ("tiny.int3", "tiny.headroom", "How far the range reaches beyond what was seen."):
        assert said in text


def test_its_tests_are_green_with_every_suite(ran: Ran) -> None:
    text = ran["pytest -p quark_core.testing.report"].stdout
    assert " passed" in text
    for word in ("failed", "skipped", "error"):
        assert word not in text.lower()
    for suite in ("PluginTests[quark_tiny]", "DtypeTests[tiny.int3]", "ObserverTests[tiny.headroom]"):
        assert f"quark conformance: {suite} " in text


def test_the_wheel_holds_the_plugin_only(ran: Ran, project: Path) -> None:
    assert ran
    with zipfile.ZipFile(project / "dist" / "quark_tiny-0.1.0-py3-none-any.whl") as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
        entry_points = wheel.read("quark_tiny-0.1.0.dist-info/entry_points.txt").decode()
    assert held == {"quark_tiny/__init__.py", "quark_tiny/headroom.py"}
    assert entry_points.strip() == "[quark.plugins]\ntiny = quark_tiny"
    assert (project / "dist" / "quark_tiny-0.1.0.tar.gz").exists()


def test_the_template_is_a_project(ran: Ran, project: Path) -> None:
    [written] = [done.stdout for command, done in ran.items() if command.startswith("quark plugins new")]
    assert "quark-nova/pyproject.toml" in written
    assert (project / "quark-nova" / "pyproject.toml").exists()
