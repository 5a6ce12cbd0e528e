"""Other libraries that do the same work, one module each; a library that is not installed is left out."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Protocol

from benchmarks.peers.case import Case
from benchmarks.timing import Contestant

MODULES = ("torch_native", "torchao", "compressed_tensors", "quanto", "amd_quark")


class Peer(Protocol):
    """What a module of this package offers."""

    DISTRIBUTION: str
    """Name on the package index."""

    def contestant(self, case: Case) -> Contestant | None:
        """Return what does the work of ``case`` through the library's own calls, or None where it has none."""
        ...


def load_peers() -> tuple[dict[str, Peer], list[str]]:
    """Return the installed peers under ``name version``, and the names of those that are not installed."""
    peers: dict[str, Peer] = {}
    missing: list[str] = []
    for name in MODULES:
        peer: Peer = importlib.import_module(f"benchmarks.peers.{name}")
        try:
            peers[f"{peer.DISTRIBUTION} {importlib.metadata.version(peer.DISTRIBUTION)}"] = peer
        except importlib.metadata.PackageNotFoundError:
            missing.append(peer.DISTRIBUTION)
    return peers, missing


__all__ = ["MODULES", "Case", "Peer", "load_peers"]
