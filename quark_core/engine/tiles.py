"""Cuts a ``[blocks, elements]`` tensor into pieces that stay in a core's cache."""

from collections.abc import Iterator

TILE = 1 << 17
"""Elements of a piece; 512 KiB of float32."""


def tiles(blocks: int, elements: int, size: int = TILE) -> Iterator[tuple[slice, slice]]:
    """Yield row and column slices that cover ``[blocks, elements]`` once, at most ``size`` elements each.

    Whole rows where a row fits, since the per-block scale is then read once.
    """
    if not blocks or not elements:
        return
    rows = max(1, size // elements)
    for top in range(0, blocks, rows):
        for left in range(0, elements, size):
            yield slice(top, top + rows), slice(left, left + size)
