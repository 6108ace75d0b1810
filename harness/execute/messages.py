"""What the parent and a round's process say to each other, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness import parallelism
from harness.domain.cell import Cell
from harness.domain.result import Sample, Score, Status

# Jobs and the server's answers take a few hundred bytes; a packet is read in one piece.
PACKET = 1 << 20


@dataclass(frozen=True)
class Effort:
    """How much one round measures."""

    seconds: float  # go on sampling for that long ...
    samples: int  # ... and until there are that many samples ...
    max_samples: int  # ... but never take more


@dataclass(frozen=True)
class Job:
    """One round to do, or the model of several to prepare."""

    cell: Cell
    index: int
    seed: int
    effort: Effort
    quality: bool  # also compare the logits with the dense fp32 model's
    weights: Mapping[str, str] = field(default_factory=dict)  # digest -> path
    energy: bool = False  # also read the hardware's energy counters around the samples
    artifact: str = ""  # the prepared model's file; without one it is built anew
    prepares: bool = False  # make that file, and measure nothing
    proves: bool = False  # compare the split model with one process, and measure nothing
    cold: bool = False  # read that file from the disk, not from memory

    @property
    def processes(self) -> int:
        """Those that do it: a model is prepared by one."""
        return 1 if self.prepares else parallelism.world_size(self.cell)

    def encode(self) -> bytes:
        """One line of JSON."""
        return json.dumps({**asdict(self), "cell": self.cell.to_json()}).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Job:
        """The inverse of encode."""
        data = json.loads(line)
        cell, effort = Cell.from_json(data.pop("cell")), Effort(**data.pop("effort"))
        return cls(cell=cell, effort=effort, **data)


@dataclass(frozen=True)
class Report:
    """What came of a round, as its process tells it."""

    status: Status
    reason: str = ""
    detail: str = ""
    samples: tuple[Sample, ...] = ()
    scores: tuple[Score, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """JSON; samples as rows, as there can be thousands."""
        rows = [(one.section, one.seconds, one.warmup) for one in self.samples]
        data = {"status": self.status, "reason": self.reason, "detail": self.detail}
        told = {"facts": dict(self.facts), "notes": dict(self.notes)}
        scores = [asdict(score) for score in self.scores]
        return json.dumps({**data, **told, "samples": rows, "scores": scores}).encode()

    @classmethod
    def decode(cls, text: bytes) -> Report:
        """The inverse of encode; ValueError where the text was cut short."""
        data: dict[str, Any] = json.loads(text)
        samples = tuple(Sample(*row) for row in data.pop("samples"))
        scores = tuple(Score(**one) for one in data.pop("scores"))
        return cls(status=Status(data.pop("status")), samples=samples, scores=scores, **data)
