"""Timers: they mark moments on the time line of the device that does the work."""

from __future__ import annotations

import time
from typing import Protocol, cast


class Timer(Protocol):
    """Marks moments on the device's own time line."""

    resolution: float  # seconds: what it can tell apart

    def mark(self) -> object:
        """Now, once all work given to the device before is accounted for."""

    def seconds(self, start: object, end: object) -> float:
        """The time between two marks."""


class HostTimer:
    """The host's monotonic clock, for work that is done when the call returns."""

    # What a call of perf_counter_ns takes, some 50 ns, is more than the clock's own tick.
    resolution = 1e-7

    def mark(self) -> int:
        """Nanoseconds."""
        return time.perf_counter_ns()

    def seconds(self, start: object, end: object) -> float:
        """The difference of two marks."""
        return (cast("int", end) - cast("int", start)) / 1e9
