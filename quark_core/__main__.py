"""``python -m quark_core``: the command ``quark``."""

from quark_core.cli import main

if __name__ == "__main__":
    main()
