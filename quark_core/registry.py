"""Finds, checks and holds plugins: what there is, who added it, what is broken and why."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from time import perf_counter
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from quark_core.errors import DuplicateNameError, PluginError, PluginLoadError, UnknownNameError
from quark_core.plugin.collect import collect
from quark_core.plugin.discovery import ONLY, Found, all_entry_points, asked_for, load
from quark_core.plugin.options import Options
from quark_core.plugin.specs import DeviceSpec, DtypeSpec, ModeSpec, ObserverSpec, RoundingSpec, Spec

KINDS: tuple[str, ...] = tuple(cls.kind for cls in (DtypeSpec, ObserverSpec, RoundingSpec, DeviceSpec, ModeSpec))

T = TypeVar("T")
_SpecWithOptions = TypeVar("_SpecWithOptions", ObserverSpec, RoundingSpec, DeviceSpec, ModeSpec)


@dataclass
class Plugin:
    """One plugin, loaded or broken."""

    name: str
    """Name of its entry point; the prefix of what a third party adds."""
    dist: str
    """Distribution and version."""
    bundled: bool = False
    adds: tuple[tuple[str, str], ...] = ()
    """Pairs of kind and name, sorted."""
    error: PluginError | None = None
    seconds: float = field(default=0.0, compare=False)
    """Time that reading it took."""


@dataclass
class Registry:
    """What plugins add. Starts empty; ``installed()`` is the one made from entry points."""

    plugins: list[Plugin] = field(default_factory=list)
    kept_out: list[Found] = field(default_factory=list)
    """Plugins that the environment keeps out."""
    unread: list[Found] = field(default_factory=list)
    """Plugins that were not imported, because no name that was asked for can be theirs."""
    _specs: dict[tuple[str, str], tuple[Spec, Plugin]] = field(default_factory=dict)
    _derived: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def add(self, module: ModuleType | Any, name: str, dist: str = "this process", *, bundled: bool = False) -> Plugin:
        """Add everything that a plugin module offers, or nothing.

        Raises PluginError (PluginLoadError, PluginApiError, DuplicateNameError), which names ``name`` and ``dist``.
        """
        specs = collect(module, name, dist, prefix=None if bundled else f"{name}.")
        new: dict[tuple[str, str], tuple[Spec, Plugin]] = {}
        plugin = Plugin(name, dist, bundled)
        for spec in specs:
            key = (spec.kind, spec.name)
            if taken := self._specs.get(key) or new.get(key):
                raise DuplicateNameError(
                    name,
                    dist,
                    f"{spec.kind} {spec.name!r} is already added by plugin {taken[1].name!r} ({taken[1].dist})",
                )
            new[key] = (spec, plugin)
        self._specs |= new
        self._derived.clear()
        plugin.adds = tuple(sorted(new))
        self.plugins.append(plugin)
        return plugin

    def derived(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` derives from this registry, made once and again after each ``add``."""
        if key not in self._derived:
            self._derived[key] = make()
        found: T = self._derived[key]
        return found

    def specs(self, kind: str) -> Mapping[str, Spec]:
        """Return every extension of a kind by name, in the order of loading: the bundled ones first."""
        return MappingProxyType({name: spec for (k, name), (spec, _) in self._specs.items() if k == kind})

    def dtypes(self) -> Mapping[str, DtypeSpec]:
        """Return every dtype by name."""
        return MappingProxyType({name: s for name, s in self.specs("dtype").items() if isinstance(s, DtypeSpec)})

    def owner(self, kind: str, name: str) -> Plugin:
        """Return the plugin that added a name; raises UnknownNameError."""
        self.get(kind, name)
        return self._specs[kind, name][1]

    def get(self, kind: str, name: str) -> Spec:
        """Return an extension; raises UnknownNameError, whose text says what there is and what is broken."""
        found = self._specs.get((kind, name))
        if found is None:
            raise UnknownNameError(self.explain(kind, name))
        return found[0]

    def dtype(self, name: str) -> DtypeSpec:
        """Return a dtype; raises UnknownNameError."""
        spec = self.get("dtype", name)
        if not isinstance(spec, DtypeSpec):
            raise TypeError(f"dtype {name!r} is a {type(spec).__name__}")
        return spec

    def choose(self, cls: type[_SpecWithOptions], choice: str | Options) -> tuple[_SpecWithOptions, Options]:
        """Return the extension that ``choice`` names and its options; raises UnknownNameError."""
        spec = self.get(cls.kind, choice.name if isinstance(choice, Options) else str(choice))
        if not isinstance(spec, cls):
            raise TypeError(f"{cls.kind} {choice!r} is a {type(spec).__name__}")
        return spec, choice if isinstance(choice, Options) else spec.options.model_validate({"name": spec.name})

    def broken(self) -> tuple[Plugin, ...]:
        """Return the plugins that could not be loaded."""
        return tuple(plugin for plugin in self.plugins if plugin.error)

    def explain(self, kind: str, name: str) -> str:
        """Say why a name is unknown: what comes close, and which broken plugin may have added it."""
        text = f"no installed plugin adds {kind} {name!r}"
        names = list(self.specs(kind))
        near = _near(name, names)
        blamed = [p for p in self.broken() if (name.startswith(f"{p.name}.") if "." in name else p.bundled)]
        barred = [f for f in self.kept_out if (name.startswith(f"{f.name}.") if "." in name else f.bundled)]
        reasons = [str(p.error) for p in blamed]
        reasons += [f"plugin {f.name!r} ({f.dist}) is kept out by {f.kept_out_by}" for f in barred]
        if reasons:
            return "; ".join([text, *reasons])
        prefixes = {found.name: found.dist for found in self.unread}
        plugin = difflib.get_close_matches(name.partition(".")[0], prefixes, 1) if "." in name else []
        if plugin:
            return f"{text}; did you mean plugin {plugin[0]!r} ({prefixes[plugin[0]]})?"
        if near:
            return f"{text}; did you mean {near!r}?"
        owner = next((p for p in self.plugins if not p.bundled and name.startswith(f"{p.name}.")), None)
        if owner is not None:
            mine = [known for known in names if known.startswith(f"{owner.name}.")]
            return f"{text}: {owner.dist} is installed and adds {', '.join(mine) or f'no {kind}'}"
        listed = f"{text}; there are: {', '.join(names)}" if names else f"{text}; there are none"
        return f"{listed}; 'quark show {kind}' lists those of other plugins too" if self.unread else listed


def _near(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was most likely meant; among a plugin's own names, their common prefix says nothing."""
    prefix, dot, local = name.partition(".")
    mine = {known.partition(".")[2]: known for known in names if dot and known.startswith(f"{prefix}.")}
    choices = mine or {known: known for known in names}
    found = difflib.get_close_matches(local if mine else name, choices, 1)
    return choices[found[0]] if found else None


def needs_options(spec: Spec) -> bool:
    """Return whether an extension has an option without a default, so that its bare name does not do."""
    if isinstance(spec, DtypeSpec):
        return False
    return any(f.is_required() for f in spec.options.model_fields.values())


@cache
def installed() -> Registry:
    """Return the registry of every installed plugin; a broken one is kept in ``plugins`` with its error."""
    return _loaded(None)


@cache
def _some(prefixes: frozenset[str]) -> Registry:
    return _loaded(prefixes)


def _loaded(prefixes: frozenset[str] | None) -> Registry:
    """Return the bundled plugins and, of the others, those with these names; all of them for None."""
    registry = Registry()
    known: set[str] = set()
    for found in all_entry_points():
        known.add(found.name)
        if found.kept_out_by:
            registry.kept_out.append(found)
            continue
        if prefixes is not None and not found.bundled and found.name not in prefixes:
            registry.unread.append(found)
            continue
        start = perf_counter()
        try:
            plugin = registry.add(load(found), found.name, found.dist, bundled=found.bundled)
        except PluginError as error:
            plugin = Plugin(found.name, found.dist, found.bundled, error=error)
            registry.plugins.append(plugin)
        plugin.seconds = perf_counter() - start
    for name in sorted(asked_for() - known):
        missing = PluginLoadError(name, "not installed", f"{ONLY} names it, but no installed distribution has it")
        registry.plugins.append(Plugin(name, "not installed", error=missing))
    return registry


_current: ContextVar[Registry | None] = ContextVar("quark_registry", default=None)


def current() -> Registry:
    """Return the registry in use: the one of the innermost ``use``, else ``installed()``."""
    return _current.get() or installed()


def current_for(names: Iterable[str]) -> Registry:
    """Return a registry that has every extension among ``names``: the one in use, or one made for them.

    What no name can belong to is not imported: a third party's names start with that of its entry point.
    """
    found = _current.get()
    if found is not None or installed.cache_info().currsize:
        return found or installed()
    prefixed = {name for name in names if "." in name}
    others = {found.name for found in all_entry_points() if not found.bundled}
    return _some(frozenset(other for other in others if any(name.startswith(f"{other}.") for name in prefixed)))


@contextmanager
def use(registry: Registry | None) -> Iterator[Registry]:
    """Validate and run with this registry within the block; None keeps the one in use."""
    token = _current.set(registry if registry is not None else _current.get())
    try:
        yield current()
    finally:
        _current.reset(token)


__all__ = ["KINDS", "Plugin", "Registry", "current", "current_for", "installed", "needs_options", "use"]
