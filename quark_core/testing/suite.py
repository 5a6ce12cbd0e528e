"""What every suite has in common: what a subclass must say, and failures that are expected."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any, ClassVar

import pytest

from quark_core.config.condition import plain

PROPERTY = "quark_conformance"
"""Property of a test report that says which suite the check belongs to."""


class Suite:
    """Base of the suites. A subclass is collected by pytest under any class name, the suites themselves are not."""

    __test__ = False
    suite: ClassVar[str] = ""
    """Name of the suite that a class inherits."""
    required: ClassVar[Mapping[str, type]] = {}
    """Class attributes that a subclass must set, and of which type."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks that cannot pass by the nature of what is tested, each with its reason; one that passes fails."""

    def __init_subclass__(cls, *, abstract: bool = False, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if abstract or "__test__" not in vars(cls):
            cls.__test__ = not abstract
        if abstract:
            cls.suite = cls.__name__
            return
        for name, kind in cls.required.items():
            value = getattr(cls, name, None)
            if not isinstance(value, kind):
                raise TypeError(
                    f"{cls.__qualname__} inherits {cls.suite} and must say what is tested: "
                    f"set the class attribute `{name}` to a {kind.__name__} (it is {value!r})"
                )
        for check, reason in cls.expected_failures.items():
            cls._expect(check, reason)

    @classmethod
    def _expect(cls, check: str, reason: str) -> None:
        function = getattr(cls, check, None)
        if not check.startswith("test_") or not isinstance(function, FunctionType):
            checks = ", ".join(sorted(name for name in dir(cls) if name.startswith("test_")))
            raise TypeError(
                f"{cls.__qualname__}.expected_failures: {cls.suite} has no check {check!r}; it has {checks}"
            )
        if not reason.strip():
            raise TypeError(f"{cls.__qualname__}.expected_failures[{check!r}]: say why the check cannot pass")
        # A mark on the inherited function itself would hold for everybody who inherits the suite.
        marked: Callable[..., None] = pytest.mark.xfail(reason=reason, strict=True)(_copy(function))
        setattr(cls, check, marked)

    @classmethod
    def subject(cls) -> str:
        """Return the name of what is tested."""
        values = [getattr(cls, name) for name in cls.required]
        name = ", ".join(str(getattr(value, "name", value)) for value in values)
        # Suites of one spec have its options; that of a plugin has some for each of its extensions.
        given = getattr(cls, "options", {}) if "spec" in cls.required else {}
        options = (f"{option}={plain(value)}" for option, value in given.items())
        return " ".join([name, *options])

    @pytest.fixture(autouse=True)
    def _counted(self, record_property: Callable[[str, object], None]) -> None:
        record_property(PROPERTY, f"{self.suite}[{self.subject()}]")

    @pytest.fixture(autouse=True)
    def _one_thread(self) -> Iterator[None]:
        # On busy cores, small tensors lose most of their time where threads wait for each other.
        torch: Any = sys.modules.get("torch")
        threads = torch.get_num_threads() if torch else 1
        if torch:
            torch.set_num_threads(1)
        yield
        if torch:
            torch.set_num_threads(threads)


def _copy(function: FunctionType) -> FunctionType:
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__dict__.update(function.__dict__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__doc__ = function.__doc__
    copy.__qualname__ = function.__qualname__
    return copy
