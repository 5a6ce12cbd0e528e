"""``python -m quark_core``: the command ``quark``."""

from quark_core.cli import main

main()
