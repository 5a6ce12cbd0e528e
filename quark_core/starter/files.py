"""The files of a first config: the config itself and, if wanted, its schema beside it."""

from __future__ import annotations

from pathlib import Path

from quark_core.config.load import loads_config
from quark_core.config.reading.files import EXTENSIONS
from quark_core.config.schema import schema_text
from quark_core.editors.modeline import SCHEMA_NAME, schema_reference, with_modeline
from quark_core.errors import ConfigError, UsageError
from quark_core.registry import Registry
from quark_core.starter.blocks import config_blocks
from quark_core.starter.solve import Start
from quark_core.starter.text import as_text


def check_target(path: Path, *, with_schema: bool, force: bool) -> None:
    """Raise UsageError when a config cannot be written to ``path``, or would take the place of something else."""
    if path.suffix.lower() not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise UsageError(f"{path}: {path.suffix!r} does not say the format; end the name in one of {known}")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {str(path.parent)!r}; make it first")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a file")
    if path.exists() and not force:
        raise UsageError(f"{path}: exists already; choose another name, or overwrite it with --force")
    schema = path.parent / SCHEMA_NAME
    if with_schema and not force and schema.exists() and not _is_ours(schema):
        raise UsageError(
            f"{schema}: is no schema of Quark Core's; write without --schema, or overwrite it with --force"
        )


def _is_ours(path: Path) -> bool:
    try:
        return '"title": "Quark Core config"' in path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def starter_files(path: Path, start: Start, registry: Registry, *, with_schema: bool) -> dict[Path, bytes]:
    """Return the files to write for a config at ``path``; raises UsageError when the device refuses it after all."""
    name = EXTENSIONS[path.suffix.lower()]
    text = as_text(config_blocks(start, registry), name, path.name)
    files: dict[Path, bytes] = {}
    if with_schema:
        schema = path.parent / SCHEMA_NAME
        files[schema] = schema_text(registry).encode()
        text = with_modeline(text, name, schema_reference(path, schema, name), str(path))
    try:
        loads_config(text, "yaml" if name == "yaml" else "toml" if name == "toml" else "json", registry=registry)
    except ConfigError as error:
        raise UsageError(f"device {start.wish.device} takes no config that can be made here:\n\n{error}") from error
    return {**files, path: text.encode()}
