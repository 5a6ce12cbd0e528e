"""What every test runs under."""

import pytest
import torch
from hypothesis import settings

# Small tensors on few cores: several threads wait for each other far longer than they compute.
torch.set_num_threads(1)

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TOGETHER = ("docs", "editor", "packaging")
"""Folders whose tests share something that takes long to make, and so run in one process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a folder in one process where several run at once."""
    for item in items:
        name = item.path.parent.name
        if name in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(name))
