"""Measures contestants against each other: seconds by interleaved rounds, memory by torch's profiler."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor
from torch.profiler import ProfilerActivity, profile

Contestant = Callable[[], Tensor]
"""Does its work once on data that it already holds, and returns the result."""


def interleaved(contestants: Mapping[str, Contestant], repeats: int) -> dict[str, float]:
    """Return the median seconds of each contestant, all of them run once in each of ``repeats`` rounds.

    So a machine that slows down for a while slows them all. A round before the first is not counted: it warms up, and
    lets whoever compiles do so.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats + 1):
        for name, work in contestants.items():
            start = time.perf_counter()
            result = work()
            seconds[name].append(time.perf_counter() - start)
            del result  # freed outside the clock, the same for everybody
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def peak_extra_bytes(work: Contestant) -> int:
    """Return the most bytes that torch's CPU allocator had handed out at once during ``work``, its result included.

    What existed before does not count, so a result that is written into a given tensor costs nothing.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as session:
        result = work()
    del result
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.json")
        session.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text())["traceEvents"]
    held = peak = 0
    for event in sorted((e for e in events if e.get("name") == "[memory]"), key=lambda e: float(e["ts"])):
        held += int(event["args"]["Bytes"])
        peak = max(peak, held)
    return peak
