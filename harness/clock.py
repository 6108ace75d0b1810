"""Clocks: moments on the time line of the device that does the work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import torch

    from harness.scenarios import Clock


class HostClock:
    """The host's monotonic clock, for work that is done when the call returns."""

    # What a call of perf_counter_ns takes, some 50 ns, is more than the clock's own tick.
    resolution = 1e-7

    def mark(self) -> int:
        """Nanoseconds."""
        return time.perf_counter_ns()

    def seconds(self, start: object, end: object) -> float:
        """The difference of two marks."""
        return (cast("int", end) - cast("int", start)) / 1e9


class CudaClock:
    """CUDA events: times the device's own work, not the host's queueing of it."""

    resolution = 5e-7  # as documented for cudaEventElapsedTime

    def mark(self) -> torch.cuda.Event:
        """An event recorded behind all work queued so far."""
        import torch

        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, start: object, end: object) -> float:
        """Waits for the later event; events tell milliseconds."""
        first, last = cast("torch.cuda.Event", start), cast("torch.cuda.Event", end)
        last.synchronize()
        return float(first.elapsed_time(last)) / 1e3


def clock_of(device: torch.device) -> Clock:
    """The clock of the device that does the work."""
    return CudaClock() if device.type == "cuda" else HostClock()
