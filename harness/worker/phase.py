"""What is read at both edges of the phase that takes samples, outside the clock."""

from __future__ import annotations

import resource
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Self

from harness.domain.rank import Rank
from harness.hardware import Hardware
from harness.hardware.nvidia_smi import held_down
from harness.host.energy import Meter
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
    """Energy, if asked for, and the devices' clocks at both edges.

    Only rank 0 reads the counters, for the devices of all ranks.
    """

    def __init__(self, hardware: Hardware, rank: Rank, *, energy: bool) -> None:
        self._hardware, self._rank = hardware, rank
        counter = partial(hardware.energy_counter, rank.world)
        self._meter = Meter(counter) if energy and rank.index == 0 else None
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
        facts = {**self._clocks, **held_down(self._clocks)}
        if self._meter is not None and self._meter.joules is not None:
            facts |= {"energy": self._meter.joules, "energy_tokens": tokens}
        return facts

    @property
    def notes(self) -> Mapping[str, str]:
        """Why there is no energy, where it was asked for."""
        why_not = self._meter.why_not if self._meter is not None else ""
        return {"energy_per_token": why_not} if why_not else {}

    def _look(self, when: str) -> None:
        if self._rank.index == 0:
            self._clocks |= self._hardware.clocks(self._rank.world, when)
