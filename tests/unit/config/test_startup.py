from __future__ import annotations

import subprocess
import sys

import pytest

PARSERS = {"yaml": "ruamel.yaml", "json": "tree_sitter_json", "toml": "tree_sitter_toml"}
TEXTS = {"yaml": "device: CPU", "json": '{"device": "CPU"}', "toml": "device = 'CPU'"}


@pytest.mark.parametrize("form", PARSERS)
def test_only_what_a_format_needs_is_imported(form: str) -> None:
    code = (
        "import sys\nfrom quark_core.config.load import loads_config\n"
        f"before = set(sys.modules)\nloads_config({TEXTS[form]!r}, {form!r})\n"
        f"heavy = [*{list(PARSERS.values())!r}, 'packaging', 'torch', 'numpy']\n"
        "print([m for m in heavy if m in before], [m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == f"[] {[PARSERS[form]]!r}"
