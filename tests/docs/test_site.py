"""The site builds without a warning, fetches nothing, and has every public name, verb and field."""

import re
from collections.abc import Iterator

import click
import pytest

import quark_core.functional
import quark_core.plugin
import quark_core.testing
from quark_core.cli.app import app
from quark_core.config import models
from quark_core.engine import authoring
from quark_core.plugin.hooks import HOOKS
from quark_core.registry import KINDS, installed
from tests.docs.conftest import Site
from tests.docs.pages import PAGES, name_of

CONFIGS = ("QuantConfig", "TensorConfig", "LayerConfig", "CalibrationConfig", "VerifyConfig")


def anchors(html: str) -> set[str]:
    """Return what a page can be linked at."""
    return set(re.findall(r'\bid="([^"]+)"', html))


def everywhere(site: Site) -> set[str]:
    """Return the anchors of all pages."""
    return {anchor for page in PAGES for anchor in anchors(site.html(name_of(page)))}


def test_it_builds_and_has_every_page(site: Site) -> None:
    built = {path.relative_to(site.folder).with_suffix("").as_posix() for path in site.folder.rglob("*.html")}
    assert built == {name_of(page) for page in PAGES} | {"genindex", "search"}


def test_no_page_reads_the_network(site: Site) -> None:
    for page in PAGES:
        loaded = re.findall(
            r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="(https?:[^"]+)"', site.html(name_of(page))
        )
        assert loaded == [], name_of(page)


@pytest.mark.parametrize("module", [quark_core.plugin, authoring, quark_core.functional], ids=lambda m: m.__name__)
def test_public_names_have_an_entry(site: Site, module: object) -> None:
    found, prefix = everywhere(site), module.__name__  # type: ignore[attr-defined]  # a module, which mypy calls object
    assert sorted(name for name in module.__all__ if f"{prefix}.{name}" not in found) == []  # type: ignore[attr-defined]  # as above


def test_hooks_have_a_section_and_an_example(site: Site) -> None:
    for hook, spec in HOOKS.items():
        [page] = [page for page in PAGES if f"\n## `{hook}`\n" in page.read_text(encoding="utf-8")]
        section = page.read_text(encoding="utf-8").partition(f"\n## `{hook}`\n")[2].partition("\n## ")[0]
        assert f"def {hook}() -> list[{spec.__name__}]:" in section
        assert hook.replace("_", "-") in anchors(site.html(name_of(page)))


def test_suites_and_their_checks_are_listed(site: Site) -> None:
    html = site.html("testing")
    for name in quark_core.testing.__all__:
        assert name.lower() in anchors(html), name
        checks = [check for check in dir(getattr(quark_core.testing, name)) if check.startswith("test_")]
        assert [check for check in checks if f">{check}<" not in html] == [], name


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def _verbs(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _verbs(inner, _context(inner, name, context))


def test_verbs_and_options_are_listed(site: Site) -> None:
    html = site.html("command-line")
    found = list(_verbs(app, _context(app, "quark")))
    assert len(found) > len(app.list_commands(click.Context(app)))
    for path, command, context in found:
        start = html.index(f'id="{path.replace(" ", "-")}"')
        section = html[start : html.index("</section>", start)]
        for param in command.get_params(context):
            if isinstance(param, click.Option):
                assert [name for name in param.opts if name not in section] == [], path


@pytest.mark.parametrize("name", CONFIGS)
def test_fields_of_the_config_are_listed(site: Site, name: str) -> None:
    html = site.html("config-reference")
    start = html.index(f'id="{name.lower()}"')
    section = html[start : html.index("</section>", start)]
    fields = getattr(models, name).model_fields
    shown = re.findall(r"<tr[^>]*>\s*<td><p><code[^>]*>(?:<span[^>]*>)?([^<]+)<", section)
    assert sorted(shown) == sorted(info.alias or field for field, info in fields.items())


@pytest.mark.parametrize("kind", KINDS)
def test_bundled_extensions_are_listed_with_their_options(site: Site, kind: str) -> None:
    html = site.html("config-reference")
    section = html[html.index(f'id="{kind}s"') :]
    for name, spec in installed().specs(kind).items():
        if not installed().owner(kind, name).bundled:
            continue
        assert f">{name}<" in section
        options = getattr(spec, "options", None)
        for option in options.model_fields if options else ():
            assert option == "name" or f">{option}<" in section, f"{name}: {option}"
