"""The command ``quark``. Importing it imports neither torch nor the verbs."""

import os

# pydantic looks through every installed distribution for plugins of its own, which costs more than our own start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")

from quark_core.cli.app import main  # pydantic must not be imported before the line above

__all__ = ["main"]
