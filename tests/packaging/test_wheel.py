"""The wheels hold what they should, and nothing else."""

import subprocess
import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

from tests.packaging.conftest import EXAMPLE, ROOT

BUNDLED = sorted(p.name for p in (ROOT / "plugins").iterdir() if p.is_dir() and not (p / "pyproject.toml").exists())


def files(wheel: Path) -> set[str]:
    """Return the files of a wheel, without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def metadata(wheel: Path, name: str) -> str:
    """Return a metadata file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (n for n in archive.namelist() if n.endswith(f".dist-info/{name}"))
        return archive.read(path).decode()


def sources(package: Path) -> set[str]:
    """Return the files of a package in the checkout, named as in a wheel."""
    paths = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(package.parent).as_posix() for path in paths}


TEMPLATE = "quark_core/scaffold/example/"
"""Where the wheel has the plugin that `quark plugins new` copies."""


def test_it_holds_the_core_and_the_bundled_plugins_whole(core_wheel: Path) -> None:
    expected = sources(ROOT / "quark_core").union(*(sources(ROOT / "plugins" / name) for name in BUNDLED))
    assert {name for name in files(core_wheel) if not name.startswith(TEMPLATE)} == expected


def test_it_holds_the_template_of_new_plugins_whole(core_wheel: Path) -> None:
    held = {name.removeprefix(TEMPLATE) for name in files(core_wheel) if name.startswith(TEMPLATE)}
    tracked = subprocess.run(["git", "ls-files"], cwd=EXAMPLE, capture_output=True, text=True, check=True).stdout
    assert held == set(tracked.splitlines())


def test_it_holds_nothing_else(core_wheel: Path) -> None:
    assert {name.partition("/")[0] for name in files(core_wheel)} == {"quark_core", *BUNDLED}
    for name in files(core_wheel):
        if name.startswith(TEMPLATE):
            continue
        assert not name.endswith(("pyproject.toml", ".pyc")), name
        assert "tests" not in Path(name).parts, name
        assert "quark_acme" not in name, name


def test_its_entry_points_are_the_bundled_plugins_and_the_command(core_wheel: Path) -> None:
    parser = ConfigParser()
    parser.read_string(metadata(core_wheel, "entry_points.txt"))
    assert dict(parser["quark.plugins"]) == {name: name for name in BUNDLED}
    assert dict(parser["console_scripts"]) == {"quark": "quark_core.cli:main"}


def test_it_names_its_licence_and_its_extra(core_wheel: Path) -> None:
    text = metadata(core_wheel, "METADATA")
    assert "License-Expression: MIT" in text
    assert "Provides-Extra: testing" in text
    assert metadata(core_wheel, "licenses/LICENSE")


def test_the_example_is_a_distribution_of_its_own(acme_wheel: Path) -> None:
    assert files(acme_wheel) == sources(EXAMPLE / "src" / "quark_acme")
    assert "[quark.plugins]\nacme = quark_acme" in metadata(acme_wheel, "entry_points.txt")
    assert "Requires-Dist: quark-core" in metadata(acme_wheel, "METADATA")


def test_the_example_shares_no_file_with_the_core(core_wheel: Path, acme_wheel: Path) -> None:
    assert not files(core_wheel) & files(acme_wheel)


def test_both_need_the_same_python() -> None:
    needed = [tomllib.loads((p / "pyproject.toml").read_text())["project"]["requires-python"] for p in (ROOT, EXAMPLE)]
    assert needed[0] == needed[1]
