"""The wall clock that a run may take, and what still fits into it. The clock is passed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from harness.dispatch.port import Bounds

# A running round may overrun the budget by this share of it, within these seconds.
_OVERRUN = 0.05
_LEAST_OVERRUN, _MOST_OVERRUN = 2.0, 30.0
# A job may take this share of the budget, these seconds, or this many times the most that it is
# expected to take, whichever is longest. So a cell that hangs leaves time for the others.
_JOB, _LEAST_JOB, _PATIENCE = 1 / 8, 20.0, 2.0
# Ceilings are measured before the first round if they take at most this share of the budget.
_CEILINGS = 0.1
# Training a reference model may take this share of what is left of the budget.
_TRAINING = 0.5
# Ceilings that other work disturbs are measured up to three times.
CEILING_TRIES = 3


@dataclass(frozen=True)
class Budget:
    """The seconds that a run may take."""

    seconds: float
    elapsed: Callable[[], float]  # seconds since the run began

    @classmethod
    def from_now(cls, seconds: float) -> Self:
        """A budget whose time begins now."""
        begin = time.monotonic()
        return cls(seconds, lambda: time.monotonic() - begin)

    @property
    def left(self) -> float:
        """The seconds left; negative once they are overrun."""
        return self.seconds - self.elapsed()

    @property
    def overrun(self) -> float:
        """The seconds by which the round that is running at the end may overrun the budget."""
        return min(max(_LEAST_OVERRUN, _OVERRUN * self.seconds), _MOST_OVERRUN)

    def fits(self, seconds: float) -> bool:
        """True if work that takes about so long may begin."""
        left = self.left
        return left > 0 and seconds <= left + self.overrun / 2

    def fits_training(self, seconds: float) -> bool:
        """True if training may begin: enough time must be left for the rounds."""
        return seconds <= _TRAINING * self.left

    def fits_ceilings_first(self, seconds: float) -> bool:
        """True if ceilings are measured before the first round, so that rounds are quoted beside
        them. Ceilings that take longer come last.
        """
        return seconds <= _CEILINGS * self.seconds

    def fits_ceilings_last(self, seconds: float) -> bool:
        """True if there is time for the ceilings, even if other work disturbs them."""
        return CEILING_TRIES * seconds <= self.left

    def cut(self, bounds: Bounds, expected: float) -> Bounds:
        """The bounds of a job that begins now and is expected to take so many seconds at most.

        It ends soon after the budget, and takes no more than its part of it.
        """
        part = max(_JOB * self.seconds, _LEAST_JOB, _PATIENCE * expected)
        seconds = max(0.0, min(part, self.left + self.overrun))
        return (
            bounds if bounds.seconds <= seconds else replace(bounds, seconds=seconds, is_cut=True)
        )
