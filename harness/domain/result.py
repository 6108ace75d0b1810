"""What became of a cell: its status, its rounds and samples, its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.run import Host, Run

ASSUMED = "assumed"  # the note of a round that says what was assumed of its model


class Status(StrEnum):
    """How a round, or a cell as a whole, ended. A failure is a result too."""

    OK = "ok"
    FAILED = "failed"  # an exception; the traceback is the detail
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    CRASHED = "crashed"  # died by a signal
    UNSUPPORTED = "unsupported"  # this host or combination cannot do it
    SKIPPED = "skipped"  # not tried, for a reason known beforehand
    MEASURING = "measuring"  # rounds are still missing: the run goes on, or was cut short

    @property
    def final(self) -> bool:
        """Whether the cell needs no further round."""
        return self is not Status.MEASURING

    @property
    def went_wrong(self) -> bool:
        """Whether the cell was tried and failed, which the exit code tells."""
        return self in _WRONG


_WRONG = {Status.FAILED, Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED}


class StopRule(StrEnum):
    """What ended a cell's rounds."""

    TARGET = "target interval reached"
    TIME_BOX = "time box ended"
    ROUNDS = "rounds done"  # the asked number of rounds, with no target to meet


@dataclass(frozen=True)
class Sample:
    """One timed section of one iteration, in seconds, e.g. ("ttft", 0.041)."""

    section: str
    seconds: float
    warmup: bool = False


@dataclass(frozen=True)
class Score:
    """How well a model tells one held-out document, beside the dense model.

    Bits are -log2 of the probability of the document's tokens but the first, `bytes` of them.
    """

    tokens: int  # to be told
    bytes: int
    bits: float
    dense_bits: float  # of the model before compression, in fp32
    divergence: float  # bits: the Kullback-Leibler divergence from it, summed over tokens
    agreed: int  # tokens whose likeliest successor is the dense model's
    floor_bits: float | None = None  # what the language itself needs, where that is known


@dataclass(frozen=True)
class Round:
    """One fresh process measuring one cell.

    `facts` are figures the process knows of itself (load_time in seconds, model_bytes,
    parameters, peak_memory in bytes, ...), by name, and those of the host around it, whose names
    begin with `host_`. `notes` are what no figure tells: by a metric's name why it was not
    measured, by a `host_` name how the host stood, under ASSUMED what no file said of the model.
    `values` are the metrics that were derived from the facts and the samples, by name; they can
    be derived again.
    """

    index: int
    status: Status
    reason: str = ""
    detail: str = ""  # a traceback, or the last lines the process printed
    samples: tuple[Sample, ...] = ()
    scores: tuple[Score, ...] = ()  # one a held-out document, in one round of the cell
    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    started: datetime | None = None
    seconds: float = 0.0  # the round's whole life, start to end
    host: Host | None = None  # that measured it, as its dispatcher knows; not stored with the round

    def timed(self, section: str) -> list[float]:
        """The section's durations in seconds, warm-up left out."""
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
        """By metric that was asked for and is missing, why, as its rounds told it."""
        return {
            name: why
            for one in self.rounds
            for name, why in one.notes.items()
            if not name.startswith("host_") and name not in {ASSUMED, *self.metrics}
        }

    @property
    def assumed(self) -> str:
        """What was assumed of its model, because no file says it; empty for nothing."""
        return next((one.notes[ASSUMED] for one in self.rounds if ASSUMED in one.notes), "")


@dataclass(frozen=True)
class Took:
    """What a cell took before on such a host."""

    seconds: float  # of a round, the mean
    rounds: int  # of a result, the most


@dataclass(frozen=True)
class Known:
    """What the store already holds of a cell, for one commit, host and environment."""

    status: Status
    reason: str = ""
    rounds: int = 0  # rounds already measured
    result: int = 0  # the result's key in the store
