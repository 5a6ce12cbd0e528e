"""Plain text tables."""

from collections.abc import Iterable, Sequence
from io import StringIO

WIDTH = 160


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a header line, columns aligned; never wrapped, so that it can be searched and compared."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in head:
        made.add_column(name, no_wrap=True, overflow="ignore")
    count = [len(name) + 2 for name in head]
    for row in rows:
        count = [max(width, len(cell) + 2) for width, cell in zip(count, row, strict=True)]
        made.add_row(*(Text(cell) for cell in row))
    out = StringIO()
    Console(file=out, width=max(WIDTH, sum(count) + len(count)), color_system=None, legacy_windows=False).print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))
