"""The conformance kit: test classes that plugin authors inherit.

    class TestEma(ObserverTests):
        spec = quark_acme.EMA

Each suite says in its docstring what it needs. A check that an extension cannot pass by its nature is listed in
``expected_failures`` with the reason, and fails once it passes. ``-p quark_core.testing.report`` prints how many
checks ran. Importing this package does not import torch.
"""

try:
    import pytest
except ModuleNotFoundError as error:
    if error.name != "pytest":
        raise
    raise ModuleNotFoundError(
        "quark_core.testing needs pytest, which is not installed; fix: pip install 'quark-core[testing]'", name="pytest"
    ) from None

_SUITES = ("devices", "dtypes", "modes", "observers", "options", "plugins", "roundings", "settings")
# pytest explains a failed assert only in modules that it was told of before their import.
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _SUITES))

from quark_core.testing.devices import DeviceTests  # noqa: E402 - after the lines above, which must come first
from quark_core.testing.dtypes import DtypeTests  # noqa: E402 - as above
from quark_core.testing.modes import ModeTests  # noqa: E402 - as above
from quark_core.testing.observers import ObserverTests  # noqa: E402 - as above
from quark_core.testing.plugins import PluginTests  # noqa: E402 - as above
from quark_core.testing.roundings import RoundingTests  # noqa: E402 - as above

__all__ = ["DeviceTests", "DtypeTests", "ModeTests", "ObserverTests", "PluginTests", "RoundingTests"]
