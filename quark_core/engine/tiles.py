"""Cuts a ``[blocks, elements]`` tensor into pieces that stay in a core's cache."""

from collections.abc import Iterator

TILE = 1 << 19
"""Elements of a piece; 2 MiB of float32."""


def tiles(blocks: int, elements: int) -> Iterator[tuple[slice, slice]]:
    """Yield row and column slices that cover ``[blocks, elements]`` once, at most ``TILE`` elements each.

    Whole rows where a row fits, since the per-block scale is then read once.
    """
    if not blocks or not elements:
        return
    rows = max(1, TILE // elements)
    for top in range(0, blocks, rows):
        for left in range(0, elements, TILE):
            yield slice(top, top + rows), slice(left, left + TILE)


def holds_whole_blocks(elements: int) -> bool:
    """Return whether no tile cuts a block of so many elements."""
    return elements <= TILE
