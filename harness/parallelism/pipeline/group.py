"""The ranks that hold a pipeline's stages, and the time that each of them works and waits.

A rank waits for the ranks before and after it: the bubble. For p ranks and m microbatches its
theoretical share of a step is (p - 1) / (m + p - 1) for GPipe (Huang et al. 2019, arXiv 1811.06965)
and for 1F1B (Narayanan et al. 2019), and (p - 1) / (v m + p - 1) with v stages per rank (Narayanan
et al. 2021, arXiv 2104.04473, section 2.2.2). A zero-bubble schedule computes gradients of weights
apart from gradients of inputs and fills the wait with them, in theory all of it (Qi et al. 2023,
arXiv 2401.10241).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch.distributed as dist

if TYPE_CHECKING:
    from harness.timer import Timer

# Name in a spec -> torch's name and the number of stages per rank.
SCHEDULES = {
    "gpipe": ("GPipe", 1),
    "1f1b": ("1F1B", 1),
    "interleaved": ("Interleaved1F1B", 2),
    "zero-bubble": ("InterleavedZeroBubble", 2),
}


@dataclass
class PipelineGroup:
    """The ranks that hold the stages of one model, seen from one of them."""

    processes: dist.ProcessGroup
    rank: int
    ranks: int
    schedule: str
    microbatches: int
    timer: Timer
    worked: float = 0.0  # seconds in forward and backward passes and the loss
    stepped: float = 0.0  # seconds in whole steps
    # Marks of the current step, turned into seconds later: reading a GPU's timer waits for the GPU.
    _work: list[tuple[object, object]] = field(default_factory=list)
    _step: list[tuple[object, object]] = field(default_factory=list)

    @property
    def torch_schedule(self) -> str:
        """Torch's name for the schedule."""
        return SCHEDULES[self.schedule][0]

    @property
    def stages_per_rank(self) -> int:
        """One, or two in an interleaved schedule."""
        return SCHEDULES[self.schedule][1]

    @property
    def stage_count(self) -> int:
        """Stages of all ranks."""
        return self.ranks * self.stages_per_rank

    @property
    def is_first(self) -> bool:
        """True if this rank embeds the tokens."""
        return self.rank == 0

    @property
    def is_last(self) -> bool:
        """True if this rank computes the logits."""
        return self.rank == self.ranks - 1

    def peer(self, rank: int) -> int:
        """The rank in the whole cell of a rank of this group."""
        return dist.get_global_rank(self.processes, rank)

    @property
    def bubble_in_theory(self) -> float:
        """The share of a step that a rank waits if stages are alike and sending takes no time."""
        waits = self.ranks - 1
        if self.schedule == "zero-bubble":
            return 0.0
        return waits / (self.stages_per_rank * self.microbatches + waits)

    @property
    def bubble(self) -> float | None:
        """The share of its steps in which this rank did no work; None before any step."""
        self._add_up()
        return 1 - self.worked / self.stepped if self.stepped else None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Time a piece of work; the bubble is the rest of the step."""
        with self._timed(self._work):
            yield

    @contextmanager
    def step(self) -> Iterator[None]:
        """Time a whole step of the schedule."""
        self._add_up()
        with self._timed(self._step):
            yield

    def start_anew(self) -> None:
        """Forget the steps timed so far."""
        self._add_up()
        self.worked = self.stepped = 0.0

    def _add_up(self) -> None:
        self.worked += sum(self.timer.seconds(*pair) for pair in self._work)
        self.stepped += sum(self.timer.seconds(*pair) for pair in self._step)
        self._work.clear()
        self._step.clear()

    @contextmanager
    def _timed(self, pairs: list[tuple[object, object]]) -> Iterator[None]:
        start = self.timer.mark()
        yield
        pairs.append((start, self.timer.mark()))
