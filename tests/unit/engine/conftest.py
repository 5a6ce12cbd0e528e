"""Settings without the config layer."""

from collections.abc import Callable
from typing import Any

import pytest

from quark_core.config.type import QSchemeType
from quark_core.plugin.formats import Format
from quark_core.plugin.settings import Settings
from quark_core.plugin.specs import DtypeSpec
from quark_dtypes import DTYPES
from quark_rounding import ROUNDINGS

BY_NAME = {spec.name: spec for spec in DTYPES}


@pytest.fixture(scope="session")
def make() -> Callable[..., Settings]:
    """Return a function that builds Settings from a bundled dtype's name or a format."""

    def build(dtype: str | Format, rounding: str = "half_even", qscheme: str = "per_tensor", **rest: Any) -> Settings:
        spec = BY_NAME[dtype] if isinstance(dtype, str) else DtypeSpec("example", dtype)
        if spec.is_block:
            qscheme, rest = "per_group", {"axis": -1, "group_size": spec.group_size} | rest
        chosen = {r.name: r for r in ROUNDINGS}[rounding]
        return Settings(
            dtype=spec,
            rounding=chosen,
            rounding_options=chosen.options(name=rounding),
            qscheme=QSchemeType(qscheme) if spec.scaled else None,
            **rest,
        )

    return build
