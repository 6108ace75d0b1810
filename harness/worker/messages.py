"""What the parent and a round's process say to each other, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from harness import parallelism
from harness.domain.cell import Cell
from harness.domain.facts import fact_of
from harness.domain.result import Sample, Score, Status
from harness.domain.text import abridged, storable
from harness.errors import UnreadableReport
from harness.worker.allocator import Allocator

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
    # By what a model's options call them, the digests of the files it needs.
    weights: Mapping[str, str] = field(default_factory=dict)
    energy: bool = False  # also read the hardware's energy counters around the samples
    artifact: str = ""  # the prepared model's digest; without one it is built anew
    dense: str = ""  # the digest of its random dense weights; without one they are drawn anew
    prepares: bool = False  # make that file, and measure nothing
    proves: bool = False  # compare the split model with one process, and measure nothing
    allocator: Allocator = "steady"  # the state of the C library's allocator, see allocator.py
    cold: bool = False  # read that file from the disk, not from memory
    # By digest, where these files are on the host that does the job: its dispatcher fills it in.
    files: Mapping[str, str] = field(default_factory=dict)
    cache: str = ""  # there, a folder for what the backend compiles, shared by the cell's rounds

    @property
    def processes(self) -> int:
        """Those that do it: a model is prepared by one."""
        return 1 if self.prepares else parallelism.world_size(self.cell)

    @property
    def measures(self) -> bool:
        """True if it is timed."""
        return not self.prepares and not self.proves

    def file(self, name: str) -> Path:
        """Where the file is that a model's options call `name`."""
        return Path(self.files[self.weights[name]])

    @property
    def dense_file(self) -> Path:
        """Where the random dense weights are, or are to be."""
        return Path(self.files[self.dense])

    @property
    def model_file(self) -> Path:
        """Where the prepared model is, or is to be."""
        return Path(self.files[self.artifact])

    def encode(self) -> bytes:
        """One line of JSON."""
        return json.dumps({**asdict(self), "cell": self.cell.to_json()}).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Job:
        """The inverse of encode."""
        data = json.loads(line)
        cell, effort = Cell.from_json(data.pop("cell")), Effort(**data.pop("effort"))
        return cls(cell=cell, effort=effort, **data)


# A reason is a line of a table; a detail is read on the cell's own page. Both in characters.
_REASON = 500
_DETAIL = 20_000


@dataclass(frozen=True)
class Report:
    """What came of a round, as its process tells it."""

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    status: Status
    reason: str = ""
    detail: str = ""
    samples: tuple[Sample, ...] = ()
    scores: tuple[Score, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def bounded(self) -> Report:
        """The report with texts that a database takes, and a page can show."""
        return replace(
            self,
            reason=abridged(storable(self.reason), _REASON),
            detail=abridged(storable(self.detail), _DETAIL),
            notes={name: abridged(storable(note), _REASON) for name, note in self.notes.items()},
        )

    def encode(self) -> bytes:
        """JSON."""
        return json.dumps(asdict(self.bounded())).encode()

    @classmethod
    def decode(cls, text: bytes) -> Report:
        """The inverse of encode.

        Code that is not the harness's own runs where the text comes from. UnreadableReport
        unless it is one whole report, of an end that a round can have, with finite numbers.
        """
        try:
            report = _wire().validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            why = abridged(f"{where}: {first['msg']}" if where else first["msg"], _REASON // 2)
            raise UnreadableReport(f"its report cannot be read: {why}") from None
        if fault := _impossible(report):
            raise UnreadableReport(f"its report cannot be read: {fault}")
        return report.bounded()


# The parent gives these statuses: it skips cells, and goes on measuring them.
_OF_CELLS = {Status.SKIPPED, Status.MEASURING}
_LARGEST = 2**63 - 1  # the largest integer of a database


def _impossible(report: Report) -> str | None:
    """What in a report of the right form no round can have measured."""
    if report.status in _OF_CELLS:
        return f"no round ends {report.status}"
    if any(one.seconds < 0 for one in report.samples):
        return "a sample is shorter than no time"
    if undeclared := [name for name in report.facts if fact_of(name) is None]:
        return f"nobody has declared the fact {undeclared[0]!r} (harness/domain/facts.py)"
    counts = [n for one in report.scores for n in (one.tokens, one.bytes, one.agreed)]
    if any(not 0 <= count <= _LARGEST for count in counts):
        return "a document has an impossible number of tokens or bytes"
    return None


@cache
def _wire() -> TypeAdapter[Report]:
    return TypeAdapter(Report)
