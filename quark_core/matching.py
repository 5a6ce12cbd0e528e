"""Which layers the patterns of a config cover. A pattern that matches a module covers everything inside it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from quark_core.config.models import QuantConfig
from quark_core.config.patterns import matcher
from quark_core.errors import Problem
from quark_core.plugin.outline import Outline


@dataclass
class Matches:
    """What the patterns cover, by layer name."""

    excluded: dict[str, int] = field(default_factory=dict)
    """Layer name -> index of the last ``exclude`` pattern that covers it."""
    covered: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Index in ``layers`` -> the names of the layers that it covers."""

    def entries(self, name: str) -> tuple[int, ...]:
        """Return the indexes in ``layers`` that cover a layer, in the order of the config."""
        return tuple(index for index, names in sorted(self.covered.items()) if name in names)


def match_patterns(config: QuantConfig, outline: Outline) -> tuple[Matches, list[Problem]]:
    """Apply every pattern of ``config``; a pattern that matches nothing is a problem."""
    matches = Matches()
    problems: list[Problem] = []
    for index, pattern in enumerate(config.exclude):
        names = _names(config, pattern, ("exclude", index), outline, problems)
        matches.excluded |= dict.fromkeys(names, index)
    for index, entry in enumerate(config.layers):
        found: dict[str, None] = {}
        for position, pattern in enumerate(entry.patterns):
            path = ("layers", index, "match", position)
            found |= dict.fromkeys(_names(config, pattern, path, outline, problems))
        matches.covered[index] = tuple(found)
    return matches, problems


def _names(
    config: QuantConfig, pattern: str, path: tuple[str | int, ...], outline: Outline, problems: list[Problem]
) -> list[str]:
    try:
        test = matcher(pattern)
    except re.error as error:
        place = config.place(*path)
        problems.append(Problem(f"{pattern!r} is not a regular expression: {error}", path=path, place=place))
        return []
    roots = [layer.name for layer in outline.layers if test(layer.name, layer.types)]
    if not roots:
        problems.append(_unmatched(config, pattern, path, outline))
    return list(_inside(roots, outline))


def _inside(roots: list[str], outline: Outline) -> Iterator[str]:
    exact = set(roots)
    for layer in outline.layers:
        parts = layer.name.split(".")
        prefixes = {".".join(parts[:count]) for count in range(len(parts) + 1)}
        if prefixes & exact:
            yield layer.name


def _unmatched(config: QuantConfig, pattern: str, path: tuple[str | int, ...], outline: Outline) -> Problem:
    prefix, _, text = pattern.rpartition(":")
    types = sorted({name for layer in outline.layers for name in layer.types})
    names = [layer.name for layer in outline.layers if layer.name]
    pool = types if prefix == "type" else names
    near = difflib.get_close_matches(text.replace("*", ""), pool, 3, cutoff=0.5)
    if near:
        fix = f"did you mean {_or(near, prefix)}?"
    elif pool:
        fix = _sample(pool, prefix)
    else:
        fix = "this model is one layer without a name" + "".join(f"; match it with type:{t}" for t in types[:1])
    return Problem(
        f"pattern {pattern!r} matches no layer of this model",
        fix=fix,
        path=path,
        place=config.place(*path),
        code="unmatched_pattern",
    )


def _or(near: list[str], prefix: str) -> str:
    return " or ".join(repr(f"type:{name}" if prefix == "type" else name) for name in near)


def _sample(pool: list[str], prefix: str) -> str:
    some = ", ".join(pool[:6]) + (", …" if len(pool) > 6 else "")
    return f"the model's {'classes' if prefix == 'type' else 'layers'} are: {some}; see `quark plan`"


__all__ = ["Matches", "match_patterns"]
