"""What is public stays as it is listed in docs/public-api.txt, or is deprecated first."""

from __future__ import annotations

import pytest

from tests.contract.surface import API, LISTED, surface, verdict

OLD = ["a.first(x)", "a.second(x)", f"{API}1"]


def test_the_surface_is_as_listed() -> None:
    said = verdict(LISTED.read_text(encoding="utf-8").splitlines(), surface())
    assert not said, said


@pytest.mark.parametrize("now", [["a.first(x)", f"{API}1"], ["a.first(x)", "a.second(x, y)", f"{API}1"]])
def test_what_goes_or_changes_must_be_deprecated_first(now: list[str]) -> None:
    said = verdict(OLD, now)
    assert said.startswith("public, and gone or changed:\n  a.second(x)\n")
    assert "Keep it and warn of its end for a release" in said
    assert "or raise QUARK_API" in said


def test_what_was_deprecated_may_go() -> None:
    listed = ["a.first(x)", "deprecated a.second(x)", f"{API}1"]
    assert verdict(listed, OLD) == ""
    assert verdict(listed, ["a.first(x)", f"{API}1"]).endswith("fix: make surface")


def test_a_new_api_may_leave_things_out() -> None:
    assert verdict(OLD, ["a.first(x)", f"{API}2"]).endswith("fix: make surface")


def test_what_is_new_is_listed() -> None:
    said = verdict(OLD, [*OLD, "a.third(x)"])
    assert said == "not in docs/public-api.txt as it is:\n  a.third(x)\nfix: make surface"


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        ("class A(x: int)", "class A(x: int, y: str = 'a')", True),
        ("class A(x: int, y: int = …)", "class A(x: int, y: int = …, *, z: tuple[int, ...] | None = None)", True),
        ("a.f(x: int) -> int", "a.f(x: int, *, y: bool = False) -> int", True),
        ("class A(x: int)", "class A(x: int, y: str)", False),
        ("class A(x: int)", "class A(y: str = 'a', x: int = 0)", False),
        ("class A(x: int, y: int = 0)", "class A(x: int, z: int = 0, y: int = 0)", False),
        ("class A(x: int, *, y: int = 0)", "class A(x: int, *, z: int = 0)", False),
        ("a.f(x: int) -> int", "a.f(x: int, y: int = 0) -> str", False),
        ("a.A.f(self, x: int)", "a.A.f(self, x: int, y: int = 0)", False),
    ],
)
def test_a_signature_may_grow_at_its_end(old: str, new: str, *, fits: bool) -> None:
    said = verdict([old, f"{API}1"], [new, f"{API}1"])
    assert said.startswith("not in docs" if fits else "public, and gone or changed")
    assert verdict([new, f"{API}1"], [new, f"{API}1"]) == ""


def test_each_kind_of_promise_is_listed() -> None:
    lines = surface()
    for promise in (
        "QUARK_API = 1",
        "quark_core.QSchemeType.per_group = 'per_group'",
        "quark_core.plugin.Observer.observe(self, blocks: Tensor) -> None",
        "quark_core.plugin.Rounding.__call__(self, x: Tensor) -> Tensor",
        "quark_core.testing.DtypeTests.test_nan_stays_nan(self) -> None",
        "config: TensorConfig.dtype (required)",
        "config: observer percentile percentile: float = 99.99",
        "command: quark plugins new --kind",
    ):
        assert promise in lines
    assert any(line.startswith("class quark_core.plugin.DtypeSpec(name: str, format: Format, ") for line in lines)
