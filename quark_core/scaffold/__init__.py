"""Makes a plugin of one's own from the example plugin, which is the template."""

from quark_core.scaffold.write import KINDS_OF_HOOKS, new_plugin

__all__ = ["KINDS_OF_HOOKS", "new_plugin"]
