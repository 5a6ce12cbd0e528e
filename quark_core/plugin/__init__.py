"""Everything that a plugin imports from Quark Core. Importing it never imports torch."""

from quark_core.config.scaling import ScaleDtype, ScaleRule
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.adjustment import Adjustment, LayerPath
from quark_core.plugin.capability import Capability, ModeLimit
from quark_core.plugin.devices import (
    Device,
    Executes,
    GraphPass,
    Lowered,
    PreparesGraph,
    Refines,
    Replays,
    Resolves,
    See,
    TakesPasses,
)
from quark_core.plugin.formats import (
    BlockFormat,
    CodebookFormat,
    CodecFormat,
    FloatFormat,
    Format,
    IntFormat,
)
from quark_core.plugin.hooks import hookimpl
from quark_core.plugin.options import Options
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from quark_core.plugin.picture import Picture, PictureEdge, PictureNode
from quark_core.plugin.plan import Coverage, LayerPlan, Origin, Plan, TensorPlan
from quark_core.plugin.protocols import Codec, Drawable, ExampleInputs, ForSettings, Mode, Observer, Rounding
from quark_core.plugin.ref import Ref
from quark_core.plugin.settings import Settings
from quark_core.plugin.specs import DeviceSpec, DtypeSpec, ModeSpec, ObserverSpec, RoundingSpec

__all__ = [
    "Adjustment",
    "BlockFormat",
    "Capability",
    "CodebookFormat",
    "Codec",
    "CodecFormat",
    "Coverage",
    "Device",
    "DeviceSpec",
    "Drawable",
    "DtypeSpec",
    "ExampleInputs",
    "Executes",
    "FloatFormat",
    "ForSettings",
    "Format",
    "GraphPass",
    "IntFormat",
    "LayerOutline",
    "LayerPath",
    "LayerPlan",
    "Lowered",
    "Mode",
    "ModeLimit",
    "ModeSpec",
    "Observer",
    "ObserverSpec",
    "Options",
    "Origin",
    "Outline",
    "Picture",
    "PictureEdge",
    "PictureNode",
    "Plan",
    "PreparesGraph",
    "QSchemeType",
    "Ref",
    "Refines",
    "Replays",
    "Resolves",
    "Rounding",
    "RoundingSpec",
    "ScaleDtype",
    "ScaleRule",
    "ScaleType",
    "See",
    "Settings",
    "TakesPasses",
    "TensorOutline",
    "TensorPlan",
    "hookimpl",
]
