"""Fills in the defaults of a tensor config and looks up its names."""

from __future__ import annotations

from pydantic import MISSING

from quark_core.config.models import TensorConfig
from quark_core.config.rules import defaults_for
from quark_core.config.scaling import ScaleRule
from quark_core.config.type import QSchemeType, ScaleType
from quark_core.plugin.options import Options
from quark_core.plugin.settings import Settings
from quark_core.plugin.specs import DtypeSpec, ObserverSpec, RoundingSpec
from quark_core.registry import Registry, current

DEFAULT_OBSERVER = "min_max"


def resolve(
    config: TensorConfig, *, registry: Registry | None = None, channel_axis: int = 0, group_axis: int = -1
) -> Settings:
    """Return ``config`` in full.

    ``channel_axis`` and ``group_axis`` stand in for a ``ch_axis`` that was left out, for per_channel and per_group.
    Raises UnknownNameError when a name is not in ``registry`` (by default the one in use).
    """
    registry = registry or current()
    dtype = registry.dtype(config.dtype)
    rounding, rounding_options = registry.choose(RoundingSpec, config.round_method)
    settings = Settings(dtype=dtype, rounding=rounding, rounding_options=rounding_options, symmetric=config.symmetric)
    if not dtype.scaled:
        return settings
    return _scaled(settings, config, registry, channel_axis, group_axis)


def _scaled(base: Settings, config: TensorConfig, registry: Registry, channel_axis: int, group_axis: int) -> Settings:
    dtype = base.dtype
    defaults = defaults_for(dtype)
    given = config.model_fields_set
    qscheme = config.qscheme if "qscheme" in given else QSchemeType(str(defaults["qscheme"]))
    scale_type = config.scale_type if "scale_type" in given else ScaleType(str(defaults["scale_type"]))
    axes = {QSchemeType.per_channel: channel_axis, QSchemeType.per_group: group_axis}
    axis = axes.get(qscheme) if config.ch_axis is MISSING else config.ch_axis
    group_size = config.group_size if config.group_size is not MISSING else dtype.group_size
    pof2 = scale_type is ScaleType.pof2
    usual = ScaleRule.floor if dtype.is_block else ScaleRule.round
    observer, observer_options = _observer(config, dtype, registry)
    return Settings(
        dtype=dtype,
        rounding=base.rounding,
        rounding_options=base.rounding_options,
        qscheme=qscheme,
        axis=axis,
        group_size=group_size,
        block_size=None if config.block_size is MISSING else (config.block_size[0], config.block_size[1]),
        symmetric=base.symmetric,
        scale_type=scale_type,
        scale_rule=(usual if config.scale_rule is MISSING else config.scale_rule) if pof2 else None,
        scale_dtype=config.scale_dtype,
        observer=observer,
        observer_options=observer_options,
        is_dynamic=config.is_dynamic or dtype.is_block,
    )


def _observer(config: TensorConfig, dtype: DtypeSpec, registry: Registry) -> tuple[ObserverSpec | None, Options | None]:
    if dtype.is_block or config.is_dynamic:
        return None, None
    choice = DEFAULT_OBSERVER if config.observer is MISSING else config.observer
    return registry.choose(ObserverSpec, choice)
