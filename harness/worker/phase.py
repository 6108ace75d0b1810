"""Readings at both edges of a round's sampling phase, outside the timed part."""

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


class CountedIteration:
    """An iteration that counts its calls, and this process's page faults in each.

    `barrier` makes all ranks start each iteration together, so that no fast rank runs ahead.
    """

    def __init__(self, iteration: Iteration, barrier: Callable[[], object] | None = None) -> None:
        self._iteration, self._barrier = iteration, barrier
        self._faults: list[int] = []  # the process's total at the start of each call

    @property
    def calls(self) -> int:
        """The number of calls so far."""
        return len(self._faults)

    def page_faults(self) -> float:
        """The median number of minor page faults in an iteration, over the second half of them.

        It is near zero if the allocator keeps its memory, which the first iterations fill. A
        process that maps its activations anew has one page fault for every 4 KiB of them.
        """
        each = [after - before for before, after in pairwise(self._faults)]
        return median(each[len(each) // 2 :] or [0])

    def __call__(self, timer: Timer) -> Mapping[str, float]:
        """Runs the iteration once, and returns its seconds by section."""
        self._faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        if self._barrier is not None:
            self._barrier()
        return self._iteration(timer)


class Phase:
    """Measures the phase's energy if requested, and reads the devices' clocks at both edges.

    Only rank 0 reads the counters, for the devices of all ranks.
    """

    def __init__(self, hardware: Hardware, rank: Rank, *, energy: bool) -> None:
        self._hardware, self._rank = hardware, rank
        counter = partial(hardware.energy_counter, rank.world)
        self._meter = Meter(counter) if energy and rank.index == 0 else None
        self._clocks: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._read_clocks("before")
        if self._meter is not None:
            self._meter.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        if self._meter is not None:
            self._meter.__exit__()
        self._read_clocks("after")

    def facts(self, tokens: float) -> Mapping[str, float]:
        """The phase's facts; `tokens` is the number of tokens processed in it."""
        facts = {**self._clocks, **held_down(self._clocks)}
        if self._meter is not None and self._meter.joules is not None:
            facts |= {"energy": self._meter.joules, "energy_tokens": tokens}
        return facts

    @property
    def notes(self) -> Mapping[str, str]:
        """Why the requested energy could not be measured, if it could not."""
        why_not = self._meter.why_not if self._meter is not None else ""
        return {"energy_per_token": why_not} if why_not else {}

    def _read_clocks(self, when: str) -> None:
        if self._rank.index == 0:
            self._clocks |= self._hardware.clocks(self._rank.world, when)
