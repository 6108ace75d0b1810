"""The messages between the parent and a round's process: jobs and reports, as JSON."""

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

# Bytes: the longest message on the server's channel. Most take a few hundred.
PACKET = 1 << 20

# The version of these messages. A commit of the harness whose rounds use another one cannot be
# measured by this one. A test compares it with the fields below.
PROTOCOL = 1


@dataclass(frozen=True)
class Effort:
    """How long a round samples."""

    seconds: float  # sample for at least this long ...
    samples: int  # ... and until this many samples are past warm-up ...
    max_samples: int  # ... but never take more than this many in all


@dataclass(frozen=True)
class Job:
    """A task for a dispatcher: measure a round, prepare a model, or run a parity check."""

    cell: Cell
    index: int
    seed: int
    effort: Effort
    quality: bool  # also compare the logits with the dense fp32 model's
    # Digests of the model's files, by the names that the model's options use.
    weights: Mapping[str, str] = field(default_factory=dict)
    energy: bool = False  # also read the hardware's energy counters around the sampling phase
    artifact: str = ""  # the prepared model's digest; "" builds the model anew
    dense: str = ""  # the digest of the random dense weights; "" draws them anew
    prepares: bool = False  # write the file of `artifact`, else that of `dense`; measure nothing
    checks_parity: bool = False  # compare the split model with one process; measure nothing
    allocator: Allocator = "steady"  # the state of the C library's allocator, see allocator.py
    slowed: float = 0.0  # make every step take this share longer, as a control
    build: str = ""  # the commit of the subject whose code does the job; "" is this process's own
    cold: bool = False  # read the prepared model from the disk, not from memory
    # Paths by digest, on the host that does the job; its dispatcher fills them in.
    files: Mapping[str, str] = field(default_factory=dict)
    cache: str = ""  # a folder there for the backend's compiled code, shared by the cell's rounds

    @property
    def processes(self) -> int:
        """The number of processes that do the job. One process prepares a model."""
        return 1 if self.prepares else parallelism.world_size(self.cell)

    @property
    def measures(self) -> bool:
        """True if the job is timed."""
        return not self.prepares and not self.checks_parity

    def file(self, name: str) -> Path:
        """The path of the file that the model's options call `name`."""
        return Path(self.files[self.weights[name]])

    @property
    def dense_file(self) -> Path:
        """The path of the random dense weights, existing or to be written."""
        return Path(self.files[self.dense])

    @property
    def model_file(self) -> Path:
        """The path of the prepared model, existing or to be written."""
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


# In characters. A reason is a line of a table; a detail is shown on the cell's own page.
_REASON = 500
_DETAIL = 20_000


@dataclass(frozen=True)
class Report:
    """The outcome of a job, as its process reports it."""

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    status: Status
    reason: str = ""
    detail: str = ""
    samples: tuple[Sample, ...] = ()
    scores: tuple[Score, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def bounded(self) -> Report:
        """The report with its texts cut and cleaned, so that a database and a page take them."""
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

        Raises UnreadableReport unless the text is one whole report, with a status that a round
        can have and finite numbers. The text is not trusted: its process may run any code.
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


# Only the parent sets these statuses: it skips cells, and marks those it is still measuring.
_PARENT_STATUSES = {Status.SKIPPED, Status.MEASURING}
_LARGEST = 2**63 - 1  # the largest integer that a database takes


def _impossible(report: Report) -> str | None:
    """A value in a well-formed report that no round can have measured, or None."""
    if report.status in _PARENT_STATUSES:
        return f"no round ends {report.status}"
    if any(sample.seconds < 0 for sample in report.samples):
        return "a sample has a negative time"
    if undeclared := [name for name in report.facts if fact_of(name) is None]:
        return f"the fact {undeclared[0]!r} is not declared in harness/domain/facts.py"
    counts = [n for score in report.scores for n in (score.tokens, score.bytes, score.agreed)]
    if any(not 0 <= count <= _LARGEST for count in counts):
        return "a document has an impossible number of tokens or bytes"
    return None


@cache
def _wire() -> TypeAdapter[Report]:
    return TypeAdapter(Report)
