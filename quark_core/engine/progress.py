"""A progress bar for long work; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def tracked(items: Iterable[T], text: str, total: int | None, *, show: bool | None) -> Iterator[T]:
    """Yield ``items`` behind a progress bar on standard error.

    ``show`` None means: only when standard error is a terminal. ``total`` None means: not known.
    """
    if not (sys.stderr.isatty() if show is None else show):
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    # Elsewhere than on a terminal only the finished bar is printed, so it must stay.
    yield from track(items, text, total=total, console=console, transient=console.is_terminal)
