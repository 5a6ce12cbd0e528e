"""Builds the wheels and installs them into an environment of their own, once a session: it takes about a minute."""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "plugins" / "example"


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command without anything of this checkout in its environment; show its output when it fails."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("QUARK_", "PYTHON", "VIRTUAL_ENV"))}
    ran = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if check and ran.returncode:
        pytest.fail(f"{' '.join(map(str, command))} exited {ran.returncode}:\n{ran.stdout}\n{ran.stderr}")
    return ran


@dataclass(frozen=True)
class Installation:
    """An environment that holds both wheels and a folder to work in."""

    bin: Path
    work: Path
    acme: Path
    """The wheel of quark-acme."""

    def run(self, command: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in the working folder."""
        return run(self.bin / command, *arguments, cwd=self.work, check=check)


def build(project: Path, out: Path) -> Path:
    """Return the wheel of a project."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, project, cwd=out)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def core_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of quark-core."""
    return build(ROOT, tmp_path_factory.mktemp("core"))


@pytest.fixture(scope="session")
def acme_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of quark-acme."""
    return build(EXAMPLE, tmp_path_factory.mktemp("acme"))


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory, core_wheel: Path, acme_wheel: Path) -> Installation:
    """Return a clean environment with both wheels, quark-core with what its kit needs."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder / "env", with_pip=True)
    made = Installation(folder / "env" / "bin", folder, acme_wheel)
    made.run(
        "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", f"{core_wheel}[testing]", acme_wheel
    )
    return made
