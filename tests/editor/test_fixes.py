"""Quick fixes: what is offered, and that the document is sound once one is applied."""

from __future__ import annotations

import pytest

from tests.editor.case import Answers
from tests.editor.cases_fixes import FIXES, UNMENDED, Fix


@pytest.mark.parametrize("fix", FIXES, ids=lambda fix: fix.name)
def test_a_quick_fix_leaves_a_document_without_diagnostics(fix: Fix, answers: Answers) -> None:
    answer = answers[fix.name, "yaml"]
    titles = answer["titles"] if fix.only else answer["titles"][: len(fix.offers)]
    assert tuple(titles) == fix.offers
    assert fix.title in answer["titles"]
    assert answer["text"] == fix.becomes
    assert answer["diagnostics"] == []


@pytest.mark.parametrize("fix", UNMENDED, ids=lambda fix: fix.name)
def test_what_yaml_language_server_cannot_mend(fix: Fix, answers: Answers) -> None:
    """docs/editors.md says so; when this fails, it may say more."""
    assert answers[fix.name, "yaml"]["titles"] == []


def test_the_other_engines_have_no_quick_fixes(answers: Answers) -> None:
    """docs/editors.md says so; when this fails, it may say more."""
    engines = answers["engines", "capabilities"]
    assert "doComplete" in engines["json"]
    assert not [name for name in engines["json"] if "action" in name.lower()]
    assert "completionProvider" in engines["toml"]
    assert "codeActionProvider" not in engines["toml"]
