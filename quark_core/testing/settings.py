"""Every way in which a config may use a dtype."""

from __future__ import annotations

from itertools import product

from quark_core.config.type import QSchemeType, RoundType
from quark_core.plugin import CodecFormat, DtypeSpec, RoundingSpec, Settings
from quark_core.registry import current, needs_options

GROUP = 8
"""Group size where the format fixes none."""
AXES = {QSchemeType.per_channel: 0, QSchemeType.per_group: -1}


def roundings() -> list[RoundingSpec]:
    """Return the installed roundings that need no options and draw no lots, ``half_even`` first."""
    every = [s for s in current().specs("rounding").values() if isinstance(s, RoundingSpec)]
    found = [s for s in every if not needs_options(s) and not s.is_stateful]
    assert found, "the suites need the bundled roundings; do not block them by QUARK_PLUGINS"
    return sorted(found, key=lambda spec: spec.name != RoundType.half_even)


def settings_for(spec: DtypeSpec, *, only_half_even: bool = False) -> list[Settings]:
    """Return all settings that the dtype allows: schemes, scale types, symmetric or not, roundings."""
    # A codec rounds in a way of its own.
    one = only_half_even or isinstance(spec.format, CodecFormat)
    chosen = roundings()[:1] if one else roundings()
    made = [Settings(spec, rounding, rounding.options.model_validate({"name": rounding.name})) for rounding in chosen]
    return [full for base in made for full in (_scaled(base) if spec.scaled else [base])]


def _scaled(base: Settings) -> list[Settings]:
    spec = base.dtype
    symmetric = (True,) if spec.only_symmetric else (True, False)
    return [
        Settings(
            dtype=spec,
            rounding=base.rounding,
            rounding_options=base.rounding_options,
            qscheme=qscheme,
            axis=AXES.get(qscheme),
            group_size=group_size(spec) if qscheme is QSchemeType.per_group else None,
            block_size=(1, GROUP) if qscheme is QSchemeType.per_block else None,
            symmetric=is_symmetric,
            scale_type=scale_type,
            is_dynamic=spec.is_block,
        )
        for qscheme, scale_type, is_symmetric in product(spec.allowed_qschemes, spec.allowed_scale_types, symmetric)
    ]


def group_size(spec: DtypeSpec) -> int:
    """Return the group size that the suite uses."""
    return spec.group_size or GROUP
