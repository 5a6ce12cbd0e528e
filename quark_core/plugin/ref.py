"""A promise to import something later: how a torch-free manifest points at torch code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Generic, TypeVar, cast

T = TypeVar("T")

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True)
class Ref(Generic[T]):
    """``"package.module:Name"``, imported when it is first needed."""

    path: str

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise ValueError(f"Ref({self.path!r}): write it as 'package.module:Name'")

    def load(self) -> T:
        """Import the module and return the object; raises what the import raises."""
        module, _, name = self.path.partition(":")
        return cast("T", getattr(import_module(module), name))
