"""Every command and snippet of the README and of the pages in docs does what it says."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quark_core.config.load import loads_config
from quark_core.registry import Registry

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands() -> Iterator[str]:
    for block in blocks(PAGES[0], "console"):
        for line in block.splitlines():
            if line.startswith("$ quark "):
                yield line.removeprefix("$ ").partition("  #")[0].strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("readme")
    for block in blocks(PAGES[0], "yaml"):
        name = re.match(r"# (\S+\.yaml)\n", block)
        assert name is not None, block
        (made / name[1]).write_text(block, encoding="utf-8")
    return made


# A command may need what the one before it wrote.
@pytest.mark.parametrize("command", list(commands()))
def test_the_command_succeeds(command: str, folder: Path) -> None:
    words = [sys.executable, "-c", "from quark_core.cli import main; main()", *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_light_verbs_stand_in_the_readme() -> None:
    verbs = {command.split()[1] for command in commands()}
    assert verbs == {"init", "validate", "plan", "quantize", "schema"}


def test_the_python_snippet_runs(folder: Path) -> None:
    snippet = next(block for block in blocks(PAGES[0], "python") if "qc.quantize" in block)
    (folder / "snippet.py").write_text(snippet, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "snippet.py"], cwd=folder, capture_output=True, text=True, env={**os.environ}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "coverage: layers 5/5" in done.stdout


def test_the_plugin_snippet_is_a_whole_plugin(folder: Path) -> None:
    snippet = next(block for block in blocks(PAGES[0], "python") if block.startswith("# quark_tiny.py"))
    module: dict[str, object] = {"__name__": "quark_tiny"}
    exec(compile(snippet, "quark_tiny.py", "exec"), module)  # noqa: S102 - our own README
    registry = Registry()
    plugin = registry.add(
        type("quark_tiny", (), {k: staticmethod(v) if callable(v) else v for k, v in module.items()}), "tiny"
    )
    assert plugin.adds == (("dtype", "tiny.int3"),)


def test_the_snippets_of_the_page_of_devices_run() -> None:
    page = ROOT / "docs" / "devices.md"
    [snippet], [config] = blocks(page, "python"), blocks(page, "yaml")
    exec(compile(snippet, "devices.md", "exec"), {})  # noqa: S102 - our own page
    assert loads_config(config, "yaml").device


def test_make_targets_of_the_pages_exist() -> None:
    written = re.compile(r"(?<=\$ )make \w+|(?<=`)make \w+(?=`)")
    targets = {name for page in PAGES for name in written.findall(page.read_text(encoding="utf-8"))}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets >= {"make demo", "make test", "make docs"}
    names = {target.removeprefix("make ") for target in targets}
    assert [name for name in names if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_fits_on_two_screens_of_prose() -> None:
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) <= 120


def test_every_config_field_stands_in_the_page_of_the_config() -> None:
    from quark_core.config.models import CalibrationConfig, LayerConfig, QuantConfig, TensorConfig, VerifyConfig

    text = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    models = (CalibrationConfig, LayerConfig, QuantConfig, TensorConfig, VerifyConfig)
    fields = {info.alias or name for model in models for name, info in model.model_fields.items()}
    assert sorted(name for name in fields if not re.search(rf"\b{re.escape(name.lstrip('$'))}\b", text)) == []
