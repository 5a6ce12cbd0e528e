"""Calls the hooks of one plugin module and checks what they return."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable
from itertools import islice
from types import ModuleType
from typing import Any, get_args

import pluggy

from quark_core.errors import PluginApiError, PluginError, PluginLoadError, QuarkError
from quark_core.plugin import hooks
from quark_core.plugin.formats import Format
from quark_core.plugin.hooks import HOOKS, PROJECT, QUARK_API
from quark_core.plugin.options import Options
from quark_core.plugin.ref import Ref
from quark_core.plugin.specs import DtypeSpec, ObserverSpec, Spec

MOST_SPECS = 10_000
"""Specs that a hook may return."""
MOST_SCHEMA = 1 << 18
"""Bytes that the JSON Schema of one extension's options may have."""
_LONGEST = 200
NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*"
"""How names of extensions look: a bare name, or a prefix and a name joined by a dot."""


def collect(module: ModuleType | Any, name: str, dist: str, prefix: str | None) -> list[Spec]:
    """Return every spec of a plugin module.

    ``prefix`` is what each name must start with; None for bundled plugins. Raises PluginLoadError when a hook raises
    and PluginApiError when the plugin breaks the contract.
    """
    api = getattr(module, "QUARK_API", None)
    if api != QUARK_API:
        said = "does not say QUARK_API" if api is None else f"was written for QUARK_API = {api!r}"
        raise PluginApiError(name, dist, f"{said}; this Quark Core needs QUARK_API = {QUARK_API}")
    try:
        return _checked(module, name, dist, prefix)
    except PluginError:
        raise
    except Exception as error:  # a plugin is any Python at all, and it must never take the others down
        raise PluginApiError(name, dist, f"cannot be read: {type(error).__name__}: {error}") from error


def _checked(module: ModuleType | Any, name: str, dist: str, prefix: str | None) -> list[Spec]:
    manager = _registered(module, name, dist)
    specs: list[Spec] = []
    for hook, cls in HOOKS.items():
        for impl in getattr(manager.hook, hook).get_hookimpls():
            specs += _call(impl.function, hook, cls, name, dist)
    for spec in specs:
        if fault := _malformed(spec):
            raise PluginApiError(name, dist, f"{type(spec).__name__}: {fault}")
        _check_name(spec, name, dist, prefix)
    return specs


def _registered(module: ModuleType | Any, name: str, dist: str) -> pluggy.PluginManager:
    # One manager a plugin: pluggy drops everybody's results when one implementation raises.
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    try:
        manager.register(module, name=name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        said = re.sub(r" in plugin <.*?>|^Plugin '.*?' for ", "", " ".join(str(error).split()))
        raise PluginApiError(name, dist, f"{said}; the hooks are {', '.join(HOOKS)}, without arguments") from error
    if not any(getattr(manager.hook, hook).get_hookimpls() for hook in HOOKS):
        raise PluginApiError(name, dist, f"implements no hook; mark one of {', '.join(HOOKS)} with @hookimpl")
    return manager


def _call(function: Any, hook: str, cls: type[Spec], name: str, dist: str) -> list[Spec]:
    given: Any = None
    returned: list[Any] = []
    try:
        given = function()
        returned = list(islice(given, MOST_SPECS + 1)) if isinstance(given, Iterable) else []
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and the panics of Rust extensions are no Exception
        raise PluginLoadError(name, dist, f"{hook}() raised {type(error).__name__}: {error}") from error
    if not isinstance(given, Iterable):
        raise PluginApiError(
            name, dist, f"{hook}() returned {_short(given)}; it must return an iterable of {cls.__name__}"
        )
    if len(returned) > MOST_SPECS:
        raise PluginApiError(name, dist, f"{hook}() returned more than {MOST_SPECS} specs; is its iterable endless?")
    for spec in returned:
        if not isinstance(spec, cls):
            raise PluginApiError(name, dist, f"{hook}() returned {_short(spec)}, which is not a {cls.__name__}")
    return returned


def _malformed(spec: Spec) -> str | None:
    """Return what is wrong with the parts of a spec; a dataclass takes anything, and it would fail far from here."""
    part: Any = spec.format if isinstance(spec, DtypeSpec) else spec.impl
    if isinstance(spec, DtypeSpec):
        if not isinstance(part, Format):
            return f"format={part!r} is not a number format, such as IntFormat(bits=3)"
    elif not isinstance(part, Ref):
        return f'impl={part!r} is not a Ref("package.module:Name")'
    elif Options not in getattr(spec.options, "__mro__", ()):
        return f"options={spec.options!r} is not a subclass of quark_core.plugin.Options"
    elif isinstance(spec, ObserverSpec) and spec.formats is not None and not _are_formats(spec.formats):
        return f"formats={spec.formats!r} is no tuple of classes of formats, such as (IntFormat,)"
    try:
        hash(spec)
    except TypeError as error:
        return f"it is not hashable ({error}): use tuples where it holds lists"
    return None


def _are_formats(given: object) -> bool:
    known: tuple[object, ...] = get_args(Format)
    return isinstance(given, tuple) and bool(given) and all(any(item is cls for cls in known) for item in given)


def _check_name(spec: Spec, name: str, dist: str, prefix: str | None) -> None:
    try:
        given: str = str(spec.name)
    except (QuarkError, LookupError, AttributeError, TypeError) as error:
        raise PluginApiError(name, dist, str(error)) from error
    if not re.fullmatch(NAME_PATTERN, given):
        raise PluginApiError(name, dist, f"{spec.kind} name {given!r}: use letters, digits, '_', '-' and dots")
    if prefix is not None and not given.startswith(prefix):
        raise PluginApiError(
            name,
            dist,
            f"{spec.kind} {given!r} must be named {prefix + given.rpartition('.')[2]!r}: bare names are bundled",
        )
    if isinstance(spec, DtypeSpec):
        return
    # Attribute docstrings, defaults and bounds become the JSON Schema, so an option model that has none breaks editors.
    try:
        with warnings.catch_warnings():
            # That a default cannot be written is for the conformance kit to say.
            warnings.simplefilter("ignore")
            size = len(json.dumps(spec.options.model_json_schema()))
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")
        why = f"{spec.kind} {given!r}: its options have no JSON Schema ({type(error).__name__}: {first})"
        raise PluginApiError(name, dist, why) from error
    if size > MOST_SCHEMA:
        raise PluginApiError(
            name,
            dist,
            f"{spec.kind} {given!r}: the JSON Schema of its options has {size} bytes, and editors take {MOST_SCHEMA}: "
            "give it fewer options, or several extensions",
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
