"""``quark plugins check``: the conformance kit on an installed plugin, without writing a test."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from quark_core.errors import PluginError, UsageError
from quark_core.plugin.discovery import Found, all_entry_points
from quark_core.registry import Plugin, installed
from quark_core.table import table

if TYPE_CHECKING:
    from quark_core.testing.reading import Reading
    from quark_core.testing.session import Checked


@dataclass(frozen=True)
class _Verdict:
    found: Found
    reading: Reading | None
    checked: tuple[Checked, ...]
    error: str = ""
    """Why the kit could not run, or nothing."""
    expected: frozenset[str] = frozenset()
    """Checks that cannot pass, each ``NAME:CHECK``."""

    @property
    def faults(self) -> list[str]:
        """What is wrong, a line each."""
        lines = [self.error] if self.error else []
        if self.reading is not None and self.reading.fault:
            lines.append(self.reading.fault)
        lines += [_line(check) for check in self.checked if not check.passed and _key(check) not in self.expected]
        failed = {_key(check) for check in self.checked if not check.passed}
        passed = sorted({_key(check) for check in self.checked} & self.expected - failed)
        return lines + [f"{key} passes: leave out --expect {key}" for key in passed]


@click.command("check")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--expect",
    multiple=True,
    metavar="EXTENSION:CHECK",
    help="A check that EXTENSION cannot pass by its nature; it is run all the same, and is a fault once it passes.",
)
@click.pass_context
def command(ctx: click.Context, name: str | None, as_json: bool, expect: tuple[str, ...]) -> None:
    """Run the conformance kit on plugin NAME; without NAME, on every plugin that is not bundled.

    Exit code 1 when a check fails. Needs the extra: pip install 'quark-core[testing]'.
    """
    _need_the_kit()
    verdicts = [_verdict(found, frozenset(expect)) for found in _chosen(name)]
    _need_known(expect, verdicts)
    if as_json:
        click.echo(json.dumps([_row(verdict) for verdict in verdicts], indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join("\n".join(_text(verdict)) for verdict in verdicts))
    ctx.exit(1 if any(verdict.faults for verdict in verdicts) else 0)


def _need_the_kit() -> None:
    try:
        import quark_core.testing  # noqa: F401 - whether it imports is the question
    except ModuleNotFoundError as error:
        raise UsageError(str(error)) from error


def _chosen(name: str | None) -> list[Found]:
    every = list(all_entry_points())
    # People may name the distribution, which is what they install.
    called = [found for found in every if name in (found.name, found.dist.partition(" ")[0]) and name]
    chosen = called or [found for found in every if name is None and not found.bundled]
    for found in chosen:
        if name is not None and found.kept_out_by:
            raise UsageError(f"plugin {name!r} is kept out by {found.kept_out_by}; unset it")
    if chosen:
        return [found for found in chosen if not found.kept_out_by]
    names = ", ".join(found.name for found in every)
    if name is None:
        raise UsageError(f"no plugin is installed but the bundled ones; name one to check it: {names}")
    raise UsageError(f"no plugin {name!r} is installed; there are: {names}; run 'pip install -e .' where yours is")


def _need_known(expect: tuple[str, ...], verdicts: list[_Verdict]) -> None:
    known = sorted({_key(check) for verdict in verdicts for check in verdict.checked})
    unknown = [key for key in expect if key not in known]
    # A plugin that cannot be checked has no checks to compare with.
    if unknown and not any(verdict.error for verdict in verdicts):
        near = get_close_matches(unknown[0], known, 1) or known[:1]
        raise UsageError(f"--expect {unknown[0]!r}: no such check was run; write it as {near[0]!r}")


def _key(check: Checked) -> str:
    return f"{check.subject.partition(' ')[0]}:{check.check}"


def _verdict(found: Found, expected: frozenset[str]) -> _Verdict:
    from quark_core.testing.reading import read_manifest
    from quark_core.testing.session import run_suites

    plugin = _plugin(found)
    if plugin.error is not None:
        return _Verdict(found, None, (), plugin.error.message)
    try:
        return _Verdict(found, read_manifest(found), tuple(run_suites(found)), expected=expected)
    except PluginError as error:
        return _Verdict(found, None, (), error.message)


def _plugin(found: Found) -> Plugin:
    return next(p for p in installed().plugins if (p.name, p.dist) == (found.name, found.dist))


def _text(verdict: _Verdict) -> Iterator[str]:
    found = verdict.found
    took = f", read in {verdict.reading.seconds:.2f} s" if verdict.reading else ""
    yield f"plugin {found.name} ({found.dist}){took}"
    counts: dict[tuple[str, str], Counter[str]] = {}
    for check in verdict.checked:
        counts.setdefault((check.suite, check.subject), Counter())[_outcome(check, verdict.expected)] += 1
    if counts:
        outcomes = ("failed", "as expected") if verdict.expected else ("failed",)
        rows = [(*key, str(count.total()), *(str(count[x]) for x in outcomes)) for key, count in counts.items()]
        yield from ("", table(("suite", "of", "checks", *outcomes), rows))
    faults = verdict.faults
    yield from ("", *(f"failed: {fault}" for fault in faults)) if faults else ("", "everything holds")


def _outcome(check: Checked, expected: frozenset[str]) -> str:
    if check.passed:
        return "passed"
    return "as expected" if _key(check) in expected else "failed"


def _line(check: Checked) -> str:
    where = f" ({check.where})" if check.where else ""
    return f"{check.suite}[{check.subject}] {check.check}: {check.message}{where}"


def _row(verdict: _Verdict) -> dict[str, Any]:
    return {
        "name": verdict.found.name,
        "distribution": verdict.found.dist,
        "read_seconds": verdict.reading.seconds if verdict.reading else None,
        "checks": [dataclasses.asdict(check) | {"passed": check.passed} for check in verdict.checked],
        "faults": verdict.faults,
    }
