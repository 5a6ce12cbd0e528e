"""Which versions of the config format there are, and the step from each to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from quark_core.config.migration.edits import Edit
from quark_core.config.version import CURRENT, whole

UNVERSIONED: Final = 1
"""Version of a config that does not say one. It stays 1 for ever: files without a version were written for it."""


@dataclass(frozen=True)
class Step:
    """Leads from ``version`` to the next one, by ``edits`` in their order; ``why`` is for people."""

    version: int
    edits: tuple[Edit, ...]
    why: str = ""


@dataclass(frozen=True)
class History:
    """The current version and the steps that lead to it, without a gap. Raises ValueError where there is one."""

    steps: tuple[Step, ...]
    current: int

    def __post_init__(self) -> None:
        found = [step.version for step in self.steps]
        if found != list(range(self.oldest, self.current)):
            raise ValueError(f"steps start from versions {found}, which do not lead one by one to {self.current}")

    @property
    def oldest(self) -> int:
        """The oldest version that can be migrated."""
        return self.current - len(self.steps)

    def is_older(self, version: int | None) -> bool:
        """Return whether there are steps from a version to the current one."""
        return version is not None and self.oldest <= version < self.current

    def is_newer(self, version: int | None) -> bool:
        """Return whether a version is not yet known here."""
        return version is not None and version > self.current

    def since(self, version: int) -> Sequence[Step]:
        """Return the steps from an older version on."""
        return self.steps[version - self.oldest :]


STEPS: tuple[Step, ...] = ()
"""One step for each older version, oldest first. Once shipped, a step stays as it is."""
SHIPPED = History(STEPS, CURRENT)


def shipped() -> History:
    """Return the history of the format."""
    return SHIPPED


def declared(data: Any) -> int | None:
    """Return the version that raw data are in; None where what they say is no version at all."""
    return whole(data.get("version", UNVERSIONED)) if isinstance(data, dict) else None
