"""The field ``version`` of a config, and what is said about versions to come."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_Current = Literal[1]
CURRENT: Final[int] = get_args(_Current)[0]
"""The version that the models describe. Whoever raises it adds a step to ``steps.STEPS``; see docs/migration.md."""

_BITS = 64


def newer_words(version: int, current: int) -> tuple[str, str]:
    """Return what is said about a version that is not yet known here, and the fix."""
    shown = str(version) if version.bit_length() <= _BITS else "a number out of all bounds"
    return f"was written for a newer Quark Core (version {shown}; this one knows {current})", "update quark-core"


def whole(value: Any) -> int | None:
    """Return the version that a raw value says; None where it says none. ``1.0`` counts as ``1``, ``true`` does not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _check(value: Any) -> Any:
    version = whole(value)
    if version is not None and version > CURRENT:
        message, fix = newer_words(version, CURRENT)
        raise PydanticCustomError("rule", "{message}", {"message": message, "fix": fix, "code": "new_version"})
    if isinstance(value, bool):
        # True == 1 in Python, so a Literal[1] would take `true`, which JSON Schema does not.
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": str(CURRENT)})
    return value if version is None else version


Version = Annotated[_Current, BeforeValidator(_check)]
"""Type of the field."""
