"""Energy of a phase, read from the hardware's counters, and whether this host has them."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Self

from harness.domain.run import Host
from harness.errors import Unsupported
from harness.hardware import EnergyCounter
from harness.hardware.energy_counters import NO_BINDING, NOT_HERE, processor_counter

# Fewest updates of a counter in a phase: at both ends one may be missed, 4% of the least.
_LEAST_UPDATES = 50


def standing(host: Host) -> dict[str, str]:
    """By kind of hardware, whether its energy can be measured here, and if not, why."""
    return {"processor": _processor_standing(), "gpu": _gpu_standing(host)}


def _processor_standing() -> str:
    try:
        processor_counter()
    except Unsupported as refusal:
        return str(refusal)
    return "measurable, by RAPL"


def _gpu_standing(host: Host) -> str:
    if not host.gpus:
        return f"{NOT_HERE}: this host has no CUDA device"
    if find_spec("pynvml") is None:
        return f"{NOT_HERE}: {NO_BINDING}"
    return "NVML is asked when a cell is measured"


class Meter:
    """Energy of what is done inside its `with`; `counter` is called at its start."""

    def __init__(
        self, counter: Callable[[], EnergyCounter], seconds: Callable[[], float] = time.perf_counter
    ) -> None:
        self._open, self._seconds = counter, seconds
        self.joules: float | None = None
        self.why_not = ""

    def __enter__(self) -> Self:
        try:
            self._counter: EnergyCounter | None = self._open()
        except Unsupported as refusal:
            self._counter, self.why_not = None, str(refusal)
            return self
        self._begin, self._first = self._seconds(), self._counter.read()
        return self

    def __exit__(self, *_: object) -> None:
        if self._counter is None:
            return
        last, lasted = self._counter.read(), self._seconds() - self._begin
        least = _LEAST_UPDATES * self._counter.update
        if lasted < least:
            self.why_not = (
                f"the round was too short: it took samples for {lasted:.2g} s, and the counter "
                f"needs {least:g} s (raise measure.round_time)"
            )
        else:
            self.joules = self._counter.joules(self._first, last)
