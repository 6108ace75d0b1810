"""Measures the energy of a phase, and reports whether this host has energy counters."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Self

from harness.domain.run import Host
from harness.errors import Unsupported
from harness.hardware import EnergyCounter
from harness.hardware.energy_counters import NO_BINDING, NOT_HERE, processor_counter

# A phase must span this many updates of a counter. It may miss one at each end: 4% of 50.
_LEAST_UPDATES = 50


def energy_support(host: Host) -> dict[str, str]:
    """Whether energy can be measured here and, if not, why, by kind of hardware."""
    return {"processor": _processor_support(), "gpu": _gpu_support(host)}


def _processor_support() -> str:
    try:
        processor_counter()
    except Unsupported as refusal:
        return str(refusal)
    return "measurable, by RAPL"


def _gpu_support(host: Host) -> str:
    if not host.gpus:
        return f"{NOT_HERE}: this host has no CUDA device"
    if find_spec("pynvml") is None:
        return f"{NOT_HERE}: {NO_BINDING}"
    return "known once a cell is measured, through NVML"


class Meter:
    """Measures the energy that its `with` block takes. `counter` is called at the start."""

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
                f"the round was too short: it sampled for {lasted:.2g} s, and the counter "
                f"needs {least:g} s (raise measure.round_time)"
            )
        else:
            self.joules = self._counter.joules(self._first, last)
