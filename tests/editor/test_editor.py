"""The engines of VS Code, neovim, Helix and others offer and say what a person needs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editor.case import ENGINES, Answers, Case
from tests.editor.cases import BROKEN_EXAMPLES, CASES

ASKED = [pytest.param(case, q["engine"], id=f"{case.name}, {q['engine']}") for case in CASES for q in case.questions()]


def labels(answer: Any) -> list[str]:
    return [offer["label"] for offer in answer["offers"]]


@pytest.mark.parametrize(("case", "engine"), ASKED)
def test_case(case: Case, engine: str, answers: Answers) -> None:
    answer = answers[case.name, engine]
    check_offers(case, answer)
    said = [(d["message"], d["text"]) for d in answer["diagnostics"]]
    wanted = case.says_json if engine == "json" and case.says_json is not None else case.says
    if wanted is not None:
        assert len(said) == len(wanted), said
        for (message, marked), (part, text) in zip(said, wanted, strict=True):
            assert part in message
            assert marked == text


def check_offers(case: Case, answer: Any) -> None:
    offered = labels(answer) if "offers" in answer else []
    assert set(case.offers) <= set(offered), offered
    assert not set(case.withholds) & set(offered), offered
    if case.only:
        assert set(offered) == set(case.offers)
    first = next((offer for offer in answer.get("offers", ()) if offer["label"] in case.offers[:1]), None)
    if case.words:
        assert case.words in (first["words"] if first else answer["hover"])
    if case.inserts:
        assert first is not None
        assert first["inserts"] == case.inserts


@pytest.mark.parametrize("case", BROKEN_EXAMPLES, ids=lambda case: case.name)
@pytest.mark.parametrize("engine", ENGINES)
def test_an_invalid_example_has_exactly_one_diagnostic(case: Case, engine: str, answers: Answers) -> None:
    said = [d["message"] for d in answers[case.name, engine]["diagnostics"]]
    # What is wrong with a whole document or list, taplo says at each thing in it.
    assert len(set(said) if engine == "toml" else said) == 1


@pytest.mark.parametrize("schema", ["bundled", "published", "acme", "many"])
def test_ajv_compiles_the_schema_in_strict_mode(schema: str, answers: Answers) -> None:
    assert answers[schema, "ajv"]["error"] is None


def test_no_two_cases_have_one_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
