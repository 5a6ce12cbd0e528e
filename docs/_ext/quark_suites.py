"""``{quark-suites}``: what each suite of the conformance kit needs and checks, read from the suites themselves."""

from __future__ import annotations

import inspect

from docutils import nodes
from markdown import code, prose, table
from sections import section
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import quark_core.testing
from quark_core.testing.suite import Suite


def settings(suite: type[Suite]) -> list[tuple[str, str]]:
    """Return the class attributes that a subclass may set, and whether it must."""
    mine = [name for name in inspect.get_annotations(suite) if not name.startswith("_")]
    return [(code(name), "required" if name in suite.required else code(getattr(suite, name))) for name in mine]


def checks(suite: type[Suite]) -> list[tuple[str, str]]:
    """Return each check, in the order of the source, as a name and as a sentence."""
    named = {name: function for cls in reversed(suite.__mro__) for name, function in vars(cls).items()}
    return [
        (code(name), prose(inspect.getdoc(function) or "") or name.removeprefix("test_").replace("_", " "))
        for name, function in named.items()
        if name.startswith("test_")
    ]


class Suites(SphinxDirective):
    """Every suite, a section each."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        return [self._suite(getattr(quark_core.testing, name)) for name in quark_core.testing.__all__]

    def _suite(self, suite: type[Suite]) -> nodes.section:
        parts = [
            prose(inspect.getdoc(suite) or ""),
            table(("attribute", "default"), settings(suite)),
            table(("check", "demands that"), checks(suite)),
        ]
        return section(self, suite.__name__.lower(), suite.__name__, "\n\n".join(parts))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("quark-suites", Suites)
    return {"parallel_read_safe": True}
