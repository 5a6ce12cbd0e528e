"""The public surface, a line for each promise: ``python -m tests.contract.surface`` writes docs/public-api.txt."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import click
from pydantic import BaseModel

from quark_core.plugin.hooks import QUARK_API
from tests.contract.growth import grew

LISTED = Path(__file__).parents[2] / "docs" / "public-api.txt"
MODULES = (
    "quark_core",
    "quark_core.plugin",
    "quark_core.testing",
    "quark_core.functional",
    "quark_core.engine.authoring",
)
DEPRECATED = "deprecated "
"""What stands before a line that may go: it warned its users for a release."""
API = "QUARK_API = "


def surface() -> list[str]:
    """Return every promise: names, signatures and fields of the public modules, the config's fields, the command."""
    lines = {line for module in MODULES for line in _module(module)}
    return sorted({*lines, f"{API}{QUARK_API}", *_config(), *_commands()})


def verdict(listed: Iterable[str], there: Iterable[str]) -> str:
    """Return what is to be done about a difference between the list and what there is; empty where there is none."""
    known = list(listed)
    kept = {line for line in known if not line.startswith(DEPRECATED)}
    allowed = {line.removeprefix(DEPRECATED) for line in known if line.startswith(DEPRECATED)}
    now = set(there)
    raised = {line for line in known if line.startswith(API)} != {line for line in now if line.startswith(API)}
    gone = sorted(line for line in kept - now if not any(grew(line, other) for other in now - kept))
    if gone and not raised:
        return "\n".join(
            [
                "public, and gone or changed:",
                *(f"  {line}" for line in gone),
                "Keep it and warn of its end for a release (write 'deprecated ' before its line), or raise QUARK_API.",
            ]
        )
    new = sorted(now - kept - allowed)
    if new or kept - now or allowed - now:
        return "\n".join(["not in docs/public-api.txt as it is:", *(f"  {x}" for x in new), "fix: make surface"])
    return ""


def _module(name: str) -> Iterator[str]:
    module = import_module(name)
    for public in module.__all__:
        yield from _thing(f"{name}.{public}", getattr(module, public))


def _thing(path: str, thing: Any) -> Iterator[str]:
    if inspect.isclass(thing):
        yield from _class(path, thing)
    elif inspect.isroutine(thing):
        yield f"{path}{_signature(thing)}"
    elif isinstance(thing, int | str | float):
        yield f"{path} = {thing!r}"
    else:
        yield path


def _class(path: str, cls: type) -> Iterator[str]:
    if issubclass(cls, enum.Enum):
        yield from (f"{path}.{member.name} = {member.value!r}" for member in cls)
        return
    if issubclass(cls, BaseModel):
        yield f"class {path}"
        yield from (f"{path}.{_field(name, info, _written(cls, name))}" for name, info in cls.model_fields.items())
    elif dataclasses.is_dataclass(cls) or ("__init__" in vars(cls) and cls.__init__.__module__ == cls.__module__):
        yield f"class {path}{_signature(cls)}"
    else:
        yield f"class {path}"
    yield from _members(path, cls)


def _members(path: str, cls: type) -> Iterator[str]:
    ours = [base for base in cls.__mro__ if base.__module__.startswith("quark_core")]
    for name in sorted({name for base in ours for name in vars(base) if not name.startswith("_")} | _call(cls)):
        member = inspect.getattr_static(cls, name)
        if isinstance(member, property) or type(member).__name__ == "cached_property":
            yield f"{path}.{name}"
        elif isinstance(member, classmethod | staticmethod):
            yield f"{path}.{name}{_signature(member.__func__)}"
        elif inspect.isfunction(member) and not hasattr(member, "_pytestfixturefunction"):
            yield f"{path}.{name}{_signature(member)}"


def _call(cls: type) -> set[str]:
    return {"__call__"} if inspect.isfunction(vars(cls).get("__call__")) else set()


def _written(cls: type, name: str) -> Any:
    """Return the annotation of a field as its class has it."""
    return next(base.__annotations__[name] for base in cls.__mro__ if name in vars(base).get("__annotations__", {}))


def _field(name: str, info: Any, annotation: Any) -> str:
    text = f"{info.alias or name}: {_text(annotation)}"
    return text if info.is_required() else f"{text} = {_default(info.get_default(call_default_factory=True))}"


def _signature(function: Any) -> str:
    parts: list[str] = []
    star = False
    for parameter in inspect.signature(function).parameters.values():
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        parts.append(_parameter(parameter))
    returned = inspect.signature(function).return_annotation
    arrow = "" if returned is inspect.Signature.empty or inspect.isclass(function) else f" -> {_text(returned)}"
    return f"({', '.join(parts)}){arrow}"


def _parameter(parameter: inspect.Parameter) -> str:
    text = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (parameter.kind is parameter.VAR_KEYWORD)
    text += parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {_text(parameter.annotation)}"
    return text if parameter.default is parameter.empty else f"{text} = {_default(parameter.default)}"


def _text(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _text(get_args(annotation)[0])
    if get_args(annotation) and get_origin(annotation) is tuple:
        return f"tuple[{', '.join('...' if part is ... else _text(part) for part in get_args(annotation))}]"
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    if "Annotated" in text:
        text = ast.unparse(_Plain().visit(ast.parse(text, mode="eval")))
    return text.replace("typing.", "").replace("collections.abc.", "")


class _Plain(ast.NodeTransformer):
    """Writes the type in place of Annotated[type, …]."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            inner: ast.AST = self.visit(node.slice.elts[0])
            return inner
        return self.generic_visit(node)


def _default(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_default, value))})"
    plain = value is None or isinstance(value, bool | int | float | str) or value == {}
    return repr(value) if plain else "…"


def _config() -> Iterator[str]:
    from quark_core.config import models
    from quark_core.plugin import DtypeSpec
    from quark_core.registry import KINDS, installed

    for name in ("QuantConfig", "TensorConfig", "LayerConfig", "CalibrationConfig", "VerifyConfig"):
        for field, info in getattr(models, name).model_fields.items():
            yield f"config: {name}.{info.alias or field}" + " (required)" * info.is_required()
    for kind in KINDS:
        for name, spec in installed().specs(kind).items():
            if not installed().owner(kind, name).bundled:
                continue
            yield f"config: {kind} {name}"
            fields = {} if isinstance(spec, DtypeSpec) else spec.options.model_fields
            for option, info in fields.items():
                if option != "name":
                    yield f"config: {kind} {name} {_field(option, info, info.annotation)}"


def _commands() -> Iterator[str]:
    from quark_core.cli.app import app

    yield from _command("quark", app)


def _command(path: str, command: click.Command) -> Iterator[str]:
    yield f"command: {path}"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (f"command: {path} {option}" for option in [*parameter.opts, *parameter.secondary_opts])
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _command(f"{path} {name}", inner)


def main() -> None:
    """Write the list; refuse where a promise would be broken."""
    listed = LISTED.read_text(encoding="utf-8").splitlines() if LISTED.exists() else []
    there = surface()
    said = verdict(listed, there)
    if said.startswith("public, and gone"):
        sys.exit(said)
    marked = {line.removeprefix(DEPRECATED) for line in listed if line.startswith(DEPRECATED)}
    text = "\n".join(DEPRECATED * (line in marked) + line for line in there)
    LISTED.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
