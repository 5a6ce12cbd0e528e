"""What a device takes, as data that the validator, the JSON Schema and the plan all read."""

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields

from quark_core.config.scaling import ScaleDtype
from quark_core.config.type import QSchemeType, ScaleType

ROLES = ("weight", "input", "output", "bias")

When = Mapping[str, tuple[str | int | bool, ...]]
"""Options of the device, and the values of each for which something holds; empty for always."""


@dataclass(frozen=True)
class Capability:
    """One row: tensors in these roles and dtypes are taken when every other field has a value listed.

    None means any value. A device takes a tensor when one of its rows does; among the rows that hold for the same
    options, a (role, operator, dtype) stands in one.
    """

    roles: tuple[str, ...]
    dtypes: tuple[str, ...]
    qschemes: tuple[QSchemeType, ...] | None = None
    scale_types: tuple[ScaleType, ...] | None = None
    symmetric: tuple[bool, ...] | None = None
    round_methods: tuple[str, ...] | None = None
    is_dynamic: tuple[bool, ...] | None = None
    operators: tuple[str, ...] | None = None
    """Operators as graph mode names them: ``linear``, ``conv2d``, ``add``. Operators that are quantized on request
    only, such as ``avg_pool``, are quantized by the rules at the root where a row names them. Configs are checked
    against all rows together, layers of a model against those of their operator."""
    when: When = field(default_factory=dict, hash=False)
    """For which options of the device the row holds, such as ``{"profile": ("xint8",)}``."""
    _: KW_ONLY
    group_sizes: tuple[int, ...] | None = None
    """With ``per_group``: how many values may share a scale."""
    block_sizes: tuple[tuple[int, int], ...] | None = None
    """With ``per_block``: how many rows and columns may share a scale."""
    scale_dtypes: tuple[ScaleDtype, ...] | None = None
    """How float scales may be stored."""
    own_axis: bool = False
    """Whether scales must lie along the layer's own axis, as they do where ``ch_axis`` is left out: that of its output
    channels for ``per_channel``, of its input channels for ``per_group``. Without a model that cannot be checked."""


@dataclass(frozen=True)
class ModeLimit:
    """Modes that a device can work with, for some of its options."""

    modes: tuple[str, ...]
    when: When = field(default_factory=dict, hash=False)


def holds(when: When, options: Mapping[str, object]) -> bool:
    """Return whether ``options``, by name, are among those of ``when``."""
    return all(options.get(name) in values for name, values in when.items())


def check_capabilities(rows: Iterable[Capability]) -> None:
    """Raise ValueError when a row is empty, names an unknown role, or two rows cover the same tensors."""
    earlier: list[Capability] = []
    for row in rows:
        if unknown := set(row.roles) - set(ROLES):
            raise ValueError(f"Capability: unknown roles {sorted(unknown)}; there are {list(ROLES)}")
        _check_values(row)
        if empty := [item.name for item in fields(row) if getattr(row, item.name) == ()]:
            where = f"Capability for {', '.join(row.roles) or 'no role'}"
            raise ValueError(f"{where}: {empty[0]}=() takes nothing; leave the field out to take everything")
        for other in earlier:
            if _together(row.when, other.when) and _meet(row.operators, other.operators):
                pairs = {(role, dtype) for role in row.roles for dtype in row.dtypes}
                twice = sorted(pairs & {(role, dtype) for role in other.roles for dtype in other.dtypes})
                if twice:
                    raise ValueError(f"Capability: {twice[0]} stands in two rows; merge them into one")
        earlier.append(row)


_MEMBERS = {"qschemes": QSchemeType, "scale_types": ScaleType, "scale_dtypes": ScaleDtype}


def _check_values(row: Capability) -> None:
    for item in fields(row):
        values = getattr(row, item.name)
        if values is None or item.name in ("when", "own_axis"):
            continue
        if not isinstance(values, tuple):
            raise ValueError(f"Capability: {item.name}={values!r} is no tuple")  # noqa: TRY004 - as for its other faults
        members = _MEMBERS.get(item.name)
        if members and (wrong := [value for value in values if not isinstance(value, members)]):
            raise ValueError(f"Capability: {item.name} holds {wrong[0]!r}, which is no {members.__name__}")


def _together(first: When, second: When) -> bool:
    return all(_meet(values, second.get(name)) for name, values in first.items())


def _meet(first: tuple[object, ...] | None, second: tuple[object, ...] | None) -> bool:
    return first is None or second is None or bool(set(first) & set(second))
