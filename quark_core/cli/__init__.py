"""The command ``quark``. Importing it imports neither torch nor the verbs."""

from quark_core.cli.app import main

__all__ = ["main"]
