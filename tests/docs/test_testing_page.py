"""What the page on the kit says of expected failures and of the report is so."""

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import DOCS, blocks

PAGE = DOCS / "testing.md"


def test_the_expected_failure_is_counted_as_the_page_says(tmp_path: Path) -> None:
    [block] = [block for block in blocks(PAGE, "python") if "expected_failures" in block]
    (tmp_path / "test_sign.py").write_text(block, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "quark_core.testing.report",
        "-p",
        "no:cacheprovider",
        "test_sign.py",
    ]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    [said] = re.findall(r"`(quark conformance: .*?)`", PAGE.read_text(encoding="utf-8"))
    assert re.search(re.escape(said).replace("…", r"\d+"), ran.stdout), ran.stdout
