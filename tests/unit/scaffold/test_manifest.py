"""A manifest that is cut down keeps what its hooks need, as it was written, and nothing else."""

from __future__ import annotations

import ast

from quark_core.scaffold.manifest import with_hooks

SOURCE = '''"""Words."""

import math
from os import (
    path,
    sep,
)

from json import dumps

QUARK_API = 1
LIMIT: int = math.floor(2.5)
# Why it is so.
FIRST = [LIMIT, sep]


@first
@second(dumps)
def quark_a() -> list[int]:
    return FIRST  # kept


class Other:
    """Needed by b only."""

    at = path


def quark_b():
    return Other
'''


def test_what_a_hook_needs_stays_as_written() -> None:
    text = with_hooks(SOURCE, ["quark_a"])
    assert text == (
        '"""Words."""\n\nimport math\nfrom os import sep\n\nfrom json import dumps\n\nQUARK_API = 1\n'
        "LIMIT: int = math.floor(2.5)\n# Why it is so.\nFIRST = [LIMIT, sep]\n\n\n@first\n@second(dumps)\n"
        "def quark_a() -> list[int]:\n    return FIRST  # kept\n"
    )


def test_the_widest_space_around_what_is_left_out_stays() -> None:
    text = with_hooks(SOURCE, ["quark_b"])
    assert text == (
        '"""Words."""\n\nfrom os import path\n\nQUARK_API = 1\n\n\nclass Other:\n    """Needed by b only."""\n\n'
        "    at = path\n\n\ndef quark_b():\n    return Other\n"
    )


def test_all_hooks_give_the_module_back() -> None:
    text = with_hooks(SOURCE, ["quark_a", "quark_b"])
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(SOURCE))


def test_many_names_stand_one_a_line() -> None:
    names = [f"a_rather_long_name_{number}" for number in range(6)]
    source = f"from os import {', '.join(names)}\n\n\ndef quark_a():\n    return {', '.join(names)}\n"
    assert with_hooks(source, ["quark_a"]).startswith(f"from os import (\n    {names[0]},\n    {names[1]},\n")
