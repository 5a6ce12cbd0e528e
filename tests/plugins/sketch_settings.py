"""Settings that searching observers are told, without a config."""

from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin import DtypeSpec, Format, RoundingSpec, Settings
from quark_rounding import ROUNDINGS

HALF_EVEN: RoundingSpec = next(spec for spec in ROUNDINGS if spec.name == "half_even")


def settings(fmt: Format, *, symmetric: bool = True, scale_type: ScaleType = ScaleType.float) -> Settings:
    return Settings(
        DtypeSpec("test.number", fmt),
        HALF_EVEN,
        HALF_EVEN.options.model_validate({"name": "half_even"}),
        qscheme=QSchemeType.per_tensor,
        symmetric=symmetric,
        scale_type=scale_type,
    )
