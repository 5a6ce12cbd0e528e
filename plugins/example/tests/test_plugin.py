from pathlib import Path

import pytest

from quark_core import load_config
from quark_core.testing import PluginTests

CONFIGS = sorted((Path(__file__).parents[1] / "configs").iterdir())


class TestPlugin(PluginTests):
    module = "quark_acme"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_config_that_uses_it_is_valid(path: Path) -> None:
    assert load_config(path).to_dict()
