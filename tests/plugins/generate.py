"""Makes a subclass of a suite for each spec that a bundled plugin adds, so that a new one is covered at once."""

from collections.abc import Iterable, Mapping
from typing import Any

from quark_core.plugin.specs import Spec
from quark_core.testing.suite import Suite


def suites(base: type[Suite], specs: Iterable[Spec], **more: Mapping[str, Any]) -> dict[str, type[Suite]]:
    """Return ``Test_<name>`` classes; ``more`` maps a spec's name to further class attributes."""
    made = {spec.name: type(f"Test_{spec.name}", (base,), {"spec": spec, **more.get(spec.name, {})}) for spec in specs}
    if unknown := set(more) - set(made):
        raise ValueError(f"{sorted(unknown)} are no specs of this plugin")
    return {f"Test_{name}": cls for name, cls in made.items()}
