"""What is read at both edges of the phase that takes samples, outside the clock."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import median
from typing import Self

import torch

from harness.host import gpu
from harness.host.energy import Counter, Meter, gpu_counter, processor_counter
from harness.scenarios import Iteration
from harness.timer import Timer


class Counted:
    """An iteration that counts its repetitions, and the page faults of this process in each.

    `meet` has all ranks begin it together: one that is done early does not run ahead.
    """

    def __init__(self, iteration: Iteration, meet: Callable[[], object] | None = None) -> None:
        self._iteration, self._meet = iteration, meet
        self._faults: list[int] = []  # so far, at the start of each repetition

    @property
    def times(self) -> int:
        """How often the iteration was done."""
        return len(self._faults)

    def page_faults(self) -> float:
        """Median number of minor page faults in an iteration, over the second half of them.

        Near zero where the allocator keeps its memory, once the first iterations have filled it.
        A process that maps its activations anew has one for every 4 KiB of them.
        """
        each = [after - before for before, after in pairwise(self._faults)]
        return median(each[len(each) // 2 :] or [0])

    def __call__(self, timer: Timer) -> Mapping[str, float]:
        """Do it once more."""
        self._faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        if self._meet is not None:
            self._meet()
        return self._iteration(timer)


class Phase:
    """Energy, if asked for, and GPUs' clocks at both edges; `speaks` in one rank of the round.

    That one tells of all ranks' work together: of the host's counters, or of as many GPUs as there
    are `devices`, from its own on.
    """

    def __init__(
        self, device: torch.device, devices: int = 1, *, energy: bool, speaks: bool
    ) -> None:
        self._device, self._devices, self._speaks = device, devices, speaks
        self._meter = Meter(self._counter) if energy and speaks else None
        self._clocks: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._look("before")
        if self._meter is not None:
            self._meter.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        if self._meter is not None:
            self._meter.__exit__()
        self._look("after")

    def facts(self, tokens: float) -> Mapping[str, float]:
        """Of the phase, in which the round went through so many tokens."""
        facts = {**self._clocks, **gpu.held_down(self._clocks)}
        if self._meter is not None and self._meter.joules is not None:
            facts |= {"energy": self._meter.joules, "energy_tokens": tokens}
        return facts

    @property
    def notes(self) -> Mapping[str, str]:
        """Why there is no energy, where it was asked for."""
        why_not = self._meter.why_not if self._meter is not None else ""
        return {"energy_per_token": why_not} if why_not else {}

    def _look(self, when: str) -> None:
        if self._device.type == "cuda" and self._speaks:
            torch.cuda.synchronize()
            self._clocks |= gpu.clocks(self._uuids(), when)

    def _counter(self) -> Counter:
        if self._device.type == "cuda":
            return gpu_counter(self._uuids())
        return processor_counter()

    def _uuids(self) -> list[str]:
        first = self._device.index or 0
        every = map(torch.cuda.get_device_properties, range(first, first + self._devices))
        return [f"GPU-{one.uuid}" for one in every]
