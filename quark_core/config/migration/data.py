"""Migrates plain data, such as the config in a saved folder."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from quark_core.config.migration.actions import Conflict, Data, apply
from quark_core.config.migration.steps import History, Step, declared, shipped
from quark_core.config.version import newer_words
from quark_core.errors import ConfigError, Problem


def migrated(data: Mapping[str, Any], history: History | None = None) -> Data:
    """Return a config of any known version as one of the current version; ``data`` stays as it is.

    What says no usable version comes back as it is, for the model to complain about. Raises ConfigError when the
    config is of a newer version, or holds what a step cannot bring into the new form.
    """
    history = history or shipped()
    config = deepcopy(dict(data))
    version = declared(config)
    if version is not None and history.is_newer(version):
        message, fix = newer_words(version, history.current)
        raise ConfigError([Problem(message, fix, ("version",), code="new_version")])
    if version is None or not history.is_older(version):
        return config
    try:
        for step in history.since(version):
            make(config, step)
    except Conflict as conflict:
        raise ConfigError([Problem(conflict.message, conflict.fix, conflict.path, code="migration")]) from conflict
    config["version"] = history.current
    return config


def make(data: Data, step: Step) -> None:
    """Change ``data`` in place as a step says, except for its version. Raises Conflict."""
    for edit in step.edits:
        for actions in edit.rounds(data):
            apply(data, actions)
