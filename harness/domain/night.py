"""A night: pairs of rounds at two commits, the changes they prove, and the controls beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from harness.domain.cell import Cell
from harness.domain.metric import Direction
from harness.domain.run import Asked, Commit, Environment, Host


class Verdict(StrEnum):
    """What paired rounds say about a change between two commits."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"  # one of the sides could not be measured


class Role(StrEnum):
    """Why two sides were compared."""

    SUSPECT = "suspect"  # the value left the range that its history predicts
    REQUESTED = "requested"  # the user asked, as in `harness gate` and `harness bisect`
    SAME = "same"  # a control: a commit against itself
    SLOWED = "slowed"  # a control: a commit against itself, slowed by a known share


class Kind(StrEnum):
    """The command that compared two commits."""

    NIGHTLY = "nightly"
    GATE = "gate"
    BISECT = "bisect"


class NightState(StrEnum):
    """How a night ended."""

    RUNNING = "running"
    DONE = "done"
    VOID = "void"  # a control failed: nothing that the night found counts


@dataclass(frozen=True)
class Pair:
    """Two rounds measured one after the other, one at each commit."""

    head_first: bool
    base: float  # the metric's value in the base's round
    head: float
    # The rounds' keys in the store; None if the raw samples were pruned.
    base_round: int | None = None
    head_round: int | None = None


@dataclass(frozen=True)
class Confirmation:
    """A metric of a cell compared between two commits, by pairs of rounds."""

    role: Role
    cell: Cell
    metric: str
    unit: str
    direction: Direction
    base: Commit
    head: Commit
    verdict: Verdict
    reason: str = ""
    pairs: tuple[Pair, ...] = ()
    ratio: float | None = None  # head over base: 1.05 is 5 % more
    low: float | None = None  # the ratio's 95 % interval
    high: float | None = None
    p: float | None = None
    # For a suspect: the head's value, and the range that its history predicted.
    value: float | None = None
    predicted_low: float | None = None
    predicted_high: float | None = None
    accepted: bool = False  # a second night agrees: the change is the series' new level
    id: int | None = None  # its key in the store, once saved

    @property
    def is_worse(self) -> bool:
        """True if the head is worse than the base."""
        if self.ratio is None:
            return False
        return (self.ratio > 1) == (self.direction is Direction.LOWER)


@dataclass(frozen=True)
class Night:
    """One command that compared commits by pairs of rounds, with its controls."""

    kind: Kind
    host: Host
    environment: Environment
    head: Commit
    started: datetime
    specs: Mapping[str, Asked] = field(default_factory=dict)  # by file
    command: str = ""
    state: NightState = NightState.RUNNING
    reason: str = ""  # why it is void
    finished: datetime | None = None
    pid: int = 0  # the process that runs it
    pid_started: float = 0.0  # when that process began: a later process may get the same pid
    confirmations: tuple[Confirmation, ...] = ()
    id: int | None = None  # its key in the store, once saved


class TriageState(StrEnum):
    """What people decided about a change."""

    ACKNOWLEDGED = "acknowledged"
    FIXED = "fixed"
    EXPECTED = "expected"


@dataclass(frozen=True)
class Triage:
    """A person's decision about one change of a series. The newest one counts."""

    cell: str  # the cell's id
    metric: str
    host: str  # the host's fingerprint
    commit: str  # the sha of the first commit at the new level
    state: TriageState
    note: str
    author: str
    when: datetime
