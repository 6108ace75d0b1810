"""The port through which rounds are measured: jobs go in, rounds come out, in any order.

A dispatcher knows machines; whoever submits knows none. A job names the files it needs by digest,
so that a dispatcher can have them ready wherever it runs the job.
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
    memory_bytes: int  # resident, all its processes together


@dataclass(frozen=True)
class Finished:
    """A job is over: its round, whatever its status; or None if the job was lost on the way.

    What is lost says nothing about the cell, and may be submitted again.
    """

    ticket: int
    round: Round | None
    why_lost: str = ""


class Dispatcher(Protocol):
    """Runs jobs somewhere."""

    @property
    def slots(self) -> int:
        """How many jobs it runs at a time."""

    def submit(self, job: Job, bounds: Bounds) -> int:
        """Have the job done; its ticket."""

    def wait(self) -> Finished:
        """The next job that is over, of those submitted and not yet returned."""

    def cancel(self, ticket: int) -> None:
        """End the job, or never begin it: nothing of it stays behind, and no round comes."""
