"""Everything that a plugin imports from Quark Core. Importing it never imports torch."""

from quark_core.plugin.capability import Capability
from quark_core.plugin.formats import (
    BlockFormat,
    CodebookFormat,
    CodecFormat,
    FloatFormat,
    Format,
    IntFormat,
)
from quark_core.plugin.hooks import QUARK_API, hookimpl
from quark_core.plugin.options import Options
from quark_core.plugin.outline import LayerOutline, Outline, TensorOutline
from quark_core.plugin.picture import Picture, PictureEdge, PictureNode
from quark_core.plugin.plan import Coverage, LayerPlan, Origin, Plan, TensorPlan
from quark_core.plugin.protocols import Codec, Device, Drawable, ExampleInputs, ForSettings, Mode, Observer, Rounding
from quark_core.plugin.ref import Ref
from quark_core.plugin.settings import Settings
from quark_core.plugin.specs import DeviceSpec, DtypeSpec, ModeSpec, ObserverSpec, RoundingSpec

__all__ = [
    "QUARK_API",
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
    "FloatFormat",
    "ForSettings",
    "Format",
    "IntFormat",
    "LayerOutline",
    "LayerPlan",
    "Mode",
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
    "Ref",
    "Rounding",
    "RoundingSpec",
    "Settings",
    "TensorOutline",
    "TensorPlan",
    "hookimpl",
]
