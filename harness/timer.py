"""Timers: they mark moments on the timeline of the device that does the work."""

from __future__ import annotations

import time
from typing import Protocol, cast


class Timer(Protocol):
    """Marks moments on the device's own timeline."""

    resolution: float  # seconds: the shortest difference it can measure

    def mark(self) -> object:
        """Mark the moment when all work given to the device so far is done."""

    def seconds(self, start: object, end: object) -> float:
        """The seconds between two marks."""


class HostTimer:
    """The host's monotonic clock, for work that is done when the call returns."""

    # A call of perf_counter_ns takes some 50 ns, longer than the clock's own tick.
    resolution = 1e-7

    def mark(self) -> int:
        """The time in nanoseconds."""
        return time.perf_counter_ns()

    def seconds(self, start: object, end: object) -> float:
        """The seconds between two marks."""
        return (cast("int", end) - cast("int", start)) / 1e9
