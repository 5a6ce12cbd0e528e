"""The command, run in this process, in a folder of its own that holds a module with networks."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from quark_core.cli import main

NETS = """
import torch
from torch import nn

def net():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4)).eval()

class Space:
    inner = staticmethod(net)

def two():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 4)
        def forward(self, a, b):
            return self.fc(a - b)
    return Two().eval()

def powers():
    class Powers(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 4)
        def forward(self, x):
            return self.second(self.first(x.pow(0).pow(3).pow(4).exp()))
    return Powers().eval()

def text():
    return "no network"

def broken():
    raise RuntimeError("no weights here")

def leaves():
    raise SystemExit(7)

def needs(path):
    return net()

def batches():
    torch.manual_seed(2)
    return [torch.randn(8, 6) for _ in range(3)]

def failing():
    yield torch.randn(8, 6)
    raise ValueError("disk is gone")

def number():
    return 3
"""

GRAPH = """mode: fx_graph_mode
weight: {dtype: int8, qscheme: per_channel}
input: {dtype: uint8, symmetric: false}
output: {dtype: uint8, symmetric: false}
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Quark = Callable[..., Ran]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in an empty folder with ``some_nets.py`` and ``int8.yaml`` in it."""
    (tmp_path / "some_nets.py").write_text(NETS, encoding="utf-8")
    (tmp_path / "int8.yaml").write_text("weight: {dtype: int8}\ninput: {dtype: int8}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # --debug sets it, for good.
    monkeypatch.setenv("QUARK_DEBUG", "")
    yield tmp_path
    sys.modules.pop("some_nets", None)


@pytest.fixture
def quark(work: Path, capsys: pytest.CaptureFixture[str]) -> Quark:
    """Return a function that runs the command with arguments."""

    def run(*args: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        code = left.value.code or 0
        assert isinstance(code, int)
        return Ran(code, out, err)

    return run
