"""What became of a cell: its status, its rounds and samples, its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.run import Host, Run

ASSUMED = "assumed"  # the name of a round's note on what was assumed about its model


class Status(StrEnum):
    """How a round, or a cell as a whole, ended. A failure is a result too."""

    OK = "ok"
    FAILED = "failed"  # an exception; the traceback is the detail
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    CRASHED = "crashed"  # died by a signal
    UNSUPPORTED = "unsupported"  # this host or combination cannot do it
    SKIPPED = "skipped"  # not tried, for a reason known in advance
    # Rounds are missing: the run is still going, was interrupted, or its budget ended.
    MEASURING = "measuring"

    @property
    def final(self) -> bool:
        """True if the cell needs no further round."""
        return self is not Status.MEASURING

    @property
    def went_wrong(self) -> bool:
        """True if the cell was tried and failed; the exit code then says so."""
        return self in _WRONG


_WRONG = {Status.FAILED, Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED}


class StopRule(StrEnum):
    """Why measuring a cell ended."""

    TARGET = "target interval reached"
    TIME_BOX = "time box ended"
    ROUNDS = "rounds done"  # the requested number, where the spec sets no target
    BUDGET = "budget ended"  # the run's, before the cell was done: the next run continues it


@dataclass(frozen=True)
class Sample:
    """One timed section of one iteration, in seconds, e.g. ("ttft", 0.041)."""

    section: str
    seconds: float
    warmup: bool = False


@dataclass(frozen=True)
class Score:
    """How well a model predicts one held-out document, beside the dense model.

    The first token is given, not predicted. Bits are -log2 of the probability of the rest.
    """

    tokens: int  # predicted tokens
    bytes: int  # their length as text
    bits: float
    dense_bits: float  # the same for the model before compression, in fp32
    divergence: float  # Kullback-Leibler divergence from the dense model, bits, summed over tokens
    agreed: int  # positions where both models predict the same next token
    floor_bits: float | None = None  # the language's own entropy, if it is known


@dataclass(frozen=True)
class Round:
    """One fresh process measuring one cell.

    `facts` are figures about the process (load_time in seconds, model_bytes, parameters,
    peak_memory in bytes, ...) and about the host around it (names that begin with `host_`).
    `notes` are texts: a metric's name gives why it was not measured, a `host_` name the host's
    condition, ASSUMED what was assumed about the model because no file says it. `values` are the
    metrics derived from facts and samples; they can be derived again. All three are by name.
    """

    index: int
    status: Status
    reason: str = ""
    detail: str = ""  # a traceback, or the last lines the process printed
    samples: tuple[Sample, ...] = ()
    scores: tuple[Score, ...] = ()  # one per held-out document, in one of the cell's rounds
    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    started: datetime | None = None
    seconds: float = 0.0  # from the round's start to its end
    host: Host | None = None  # where the dispatcher ran it; not stored with the round

    def timed(self, section: str) -> list[float]:
        """The section's durations in seconds, without warm-up."""
        return [s.seconds for s in self.samples if s.section == section and not s.warmup]


@dataclass(frozen=True)
class Result:
    """What became of a cell in a run."""

    run: Run
    cell: Cell
    status: Status
    reason: str = ""
    detail: str = ""
    stop_rule: StopRule | None = None
    baseline: str | None = None  # the id of the cell it is compared with
    metrics: Mapping[str, Estimate] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()
    id: int | None = None  # its key in the store, once saved

    @property
    def not_measured(self) -> Mapping[str, str]:
        """Why each requested metric that is missing was not measured, by metric."""
        return {
            name: why
            for one in self.rounds
            for name, why in one.notes.items()
            if not name.startswith("host_") and name not in {ASSUMED, *self.metrics}
        }

    @property
    def assumed(self) -> str:
        """What was assumed about the model because no file says it; empty if nothing was."""
        return next((one.notes[ASSUMED] for one in self.rounds if ASSUMED in one.notes), "")


@dataclass(frozen=True)
class Took:
    """What a cell took in earlier runs on this kind of host."""

    seconds: float  # mean duration of a round
    rounds: int  # most rounds of a result


@dataclass(frozen=True)
class Known:
    """What the store already holds about a cell, for one commit, host and environment."""

    status: Status
    reason: str = ""
    rounds: int = 0  # rounds already measured
    result: int = 0  # the result's key in the store
    stop_rule: StopRule | None = None

    @property
    def is_open(self) -> bool:
        """True if rounds are missing that the next run measures."""
        return not self.status.final or self.stop_rule is StopRule.BUDGET


@dataclass(frozen=True)
class Latest:
    """The newest measurement of a cell on a kind of host, at any commit."""

    started: datetime  # when its run started
    metrics: Mapping[str, Estimate] = field(default_factory=dict)
