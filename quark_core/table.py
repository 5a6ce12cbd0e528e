"""Plain text tables."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a header line, columns aligned; never wrapped, so that it can be searched and compared."""
    cells = [list(head), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "─" * max(map(len, lines)), *lines[1:]])


def counted(rows: Iterable[tuple[tuple[str, ...], bool]]) -> list[tuple[str, ...]]:
    """Return the cells of ``rows``; several with the flag that differ in the first cell only become one, with a count.

    The count stands with the second cell in place of the first, ``61 x pow``, where the first of them stood.
    """
    groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for cells, many in rows:
        groups.setdefault(cells[1:] if many else (str(len(groups)), *cells), []).append(cells)
    return [
        group[0] if len(group) == 1 else (f"{len(group)} x {group[0][1]}", *group[0][1:]) for group in groups.values()
    ]
