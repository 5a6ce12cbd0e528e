"""What every test runs under."""

from pathlib import PurePosixPath
from typing import Any

import pytest
import torch
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# Small tensors on few cores: several threads wait for each other far longer than they compute.
torch.set_num_threads(1)

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TOGETHER = ("docs", "editor", "packaging")
"""Folders whose tests share something that takes long to make."""


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives the tests of a file, or of such a folder, to one process, where several run at once."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return file.parent.name if file.parent.name in TOGETHER else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Return how tests are given to processes."""
    return _ByFile(config, log)
