"""What is torch-free stays so, in a fresh interpreter; the seed's promises are kept by bundled plugins."""

import os
import subprocess
import sys
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from quark_core.config import type as vocabulary
from quark_core.registry import installed

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
BUNDLED = sorted(p.name for p in PLUGINS.iterdir() if p.is_dir() and not (p / "pyproject.toml").exists())


def modules(folder: Path) -> list[str]:
    """Return the dotted names of a package's modules."""
    names = (path.relative_to(ROOT).with_suffix("").parts for path in folder.rglob("*.py"))
    return sorted(".".join(parts).removesuffix(".__init__") for parts in names)


TORCH_FREE = [
    "quark_core",
    "quark_core.errors",
    "quark_core.registry",
    *modules(ROOT / "quark_core" / "plugin"),
    *modules(ROOT / "quark_core" / "config"),
    *BUNDLED,
]

SEED = {
    # The last two extend the seed.
    "QSchemeType": ["per_tensor", "per_channel", "per_group", "per_token", "per_block"],
    "Dtype": ["int8", "uint8", "int4", "uint4", "bfloat16", "float16", "fp8_e4m3", "mx"],
    "ScaleType": ["float", "pof2"],
    "RoundType": ["round", "floor", "half_even"],
    "DeviceType": ["CPU", "IPU"],
    "QuantizationMode": ["eager_mode", "fx_graph_mode"],
}


def fresh(code: str, **environment: str) -> str:
    """Run code in an interpreter of its own; return what it prints."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("QUARK_")} | environment
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def imported(wanted: str, among: tuple[str, ...], **environment: str) -> list[str]:
    """Return which of ``among`` a fresh interpreter has after ``import wanted``."""
    code = f"import {wanted}, sys; print(*[m for m in {among!r} if m in sys.modules])"
    return fresh(code, **environment).split()


def test_torch_free_packages_do_not_import_torch() -> None:
    # One interpreter for all: the first culprit is named by the traceback of the forbidden import.
    code = "import sys; sys.modules['torch'] = None\n" + "\n".join(f"import {name}" for name in TORCH_FREE)
    fresh(code)


def test_nor_does_reading_every_plugin() -> None:
    code = "import sys; sys.modules['torch'] = None\nfrom quark_core.registry import installed\n"
    assert fresh(code + "print([str(p.error) for p in installed().broken()])") == "[]"


def test_the_seed_vocabulary_costs_almost_nothing() -> None:
    heavy = ("torch", "numpy", "pydantic", "pluggy", "rich", "click", "ruamel.yaml", "quark_core.registry")
    assert imported("quark_core.config.type", heavy) == []


def test_the_public_door_needs_neither_numpy_nor_files() -> None:
    heavy = ("torch", "numpy", "rich", "click", "ruamel.yaml", "jsonschema", "tree_sitter")
    assert imported("quark_core.plugin", heavy) == []


def test_without_plugins_the_core_imports_and_is_empty() -> None:
    code = (
        "import quark_core, quark_core.config.models\n"
        "from quark_core.registry import installed, KINDS\n"
        "print(installed().plugins, [dict(installed().specs(k)) for k in KINDS if installed().specs(k)])"
    )
    assert fresh(code, QUARK_PLUGINS="") == "[] []"


def test_the_core_imports_no_plugin() -> None:
    assert imported("quark_core, quark_core.registry, quark_core.config.models", tuple(BUNDLED)) == []


def test_the_seed_enums_have_exactly_their_members() -> None:
    enums = {
        name: [member.value for member in cls]
        for name, cls in vars(vocabulary).items()
        if isinstance(cls, type) and issubclass(cls, StrEnum) and cls is not StrEnum
    }
    assert enums == SEED
    for name in SEED:
        assert all(member.name == member.value for member in getattr(vocabulary, name))


@pytest.mark.parametrize(
    ("enum", "kind"),
    [("Dtype", "dtype"), ("RoundType", "rounding"), ("DeviceType", "device"), ("QuantizationMode", "mode")],
)
def test_every_member_is_provided_by_a_bundled_plugin(enum: str, kind: str) -> None:
    for name in SEED[enum]:
        assert installed().owner(kind, name).bundled, f"no bundled plugin adds {kind} {name!r}"


def test_the_folders_in_plugins_are_the_entry_points() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["quark.plugins"] == {name: name for name in BUNDLED}
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(shipped) == sorted(["quark_core", *(f"plugins/{name}" for name in BUNDLED)])
    assert [p.name for p in installed().plugins if p.bundled] == BUNDLED


def test_bundled_plugins_import_only_the_public_door() -> None:
    allowed = (
        "quark_core.plugin",
        "quark_core.errors",
        "quark_core.config.type",
        "quark_core.engine.authoring",
        "quark_core.functional",
    )
    for name in BUNDLED:
        for path in (PLUGINS / name).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                words = line.split()
                if words[:1] in (["from"], ["import"]) and words[1].split(".")[0] == "quark_core":
                    # The package itself is the public Python API.
                    assert words[1] == "quark_core" or words[1].startswith(allowed), (
                        f"{path.relative_to(ROOT)}: {line.strip()}"
                    )
