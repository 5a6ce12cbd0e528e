"""What a device takes, as data that the validator and the JSON Schema both read."""

from collections.abc import Iterable
from dataclasses import dataclass

from quark_core.config.type import QSchemeType, ScaleType

ROLES = ("weight", "input", "output", "bias")


@dataclass(frozen=True)
class Capability:
    """One row: tensors in these roles and dtypes are taken when every other field has a value listed.

    None means any value. A device takes a tensor when one of its rows does; a (role, dtype) pair stands in one row.
    """

    roles: tuple[str, ...]
    dtypes: tuple[str, ...]
    qschemes: tuple[QSchemeType, ...] | None = None
    scale_types: tuple[ScaleType, ...] | None = None
    symmetric: tuple[bool, ...] | None = None
    round_methods: tuple[str, ...] | None = None
    is_dynamic: tuple[bool, ...] | None = None


def check_capabilities(rows: Iterable[Capability]) -> None:
    """Raise ValueError when a row is empty, names an unknown role, or two rows cover the same (role, dtype)."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if unknown := set(row.roles) - set(ROLES):
            raise ValueError(f"Capability: unknown roles {sorted(unknown)}; there are {list(ROLES)}")
        if () in (
            row.roles,
            row.dtypes,
            row.qschemes,
            row.scale_types,
            row.symmetric,
            row.round_methods,
            row.is_dynamic,
        ):
            raise ValueError(f"{row}: an empty tuple takes nothing; leave the field out to take everything")
        pairs = {(role, dtype) for role in row.roles for dtype in row.dtypes}
        if twice := pairs & seen:
            raise ValueError(f"Capability: {sorted(twice)[0]} stands in two rows; merge them into one")
        seen |= pairs
