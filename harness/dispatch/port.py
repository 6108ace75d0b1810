"""The port through which rounds are measured: jobs go in, rounds come out, in any order.

Only the dispatcher knows the machines. A job names the files it needs by digest, so that the
dispatcher can provide them on whichever machine runs the job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.domain.result import Round
from harness.worker.messages import Job


@dataclass(frozen=True)
class Bounds:
    """What a job may use before it is ended."""

    seconds: float
    memory_bytes: int  # resident memory of all its processes together
    is_cut: bool = False  # the run's budget allows less than the job's own time limit


@dataclass(frozen=True)
class Finished:
    """A job is over. `round` is its round, with whatever status, or None if the job was lost.

    A lost job says nothing about the cell, and may be submitted again.
    """

    ticket: int
    round: Round | None
    why_lost: str = ""


class Dispatcher(Protocol):
    """Runs jobs somewhere."""

    @property
    def slots(self) -> int:
        """How many jobs the dispatcher runs at a time."""

    def submit(self, job: Job, bounds: Bounds) -> int:
        """Accepts the job, and returns its ticket."""

    def wait(self) -> Finished:
        """Waits for the next submitted job to be over, and returns it."""

    def cancel(self, ticket: int) -> None:
        """Ends the job, or removes it from the queue. It leaves no process and yields no round."""
