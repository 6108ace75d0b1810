"""The tables. A change here needs a new revision (store/revisions)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, DateTime, Double, ForeignKey, Index, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class Moment(TypeDecorator[datetime]):
    """A time in UTC, stored without a time zone: not every database keeps one."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert an aware time to UTC without a time zone, for storage."""
        return value.astimezone(UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Mark a stored time as UTC."""
        return value.replace(tzinfo=UTC) if value is not None else None


class Table(DeclarativeBase):
    """The base of all tables."""

    # float: SQLAlchemy 2.0 and 2.1 map it differently.
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, float: Double}


class HostRow(Table):
    """A kind of machine."""

    __tablename__ = "host"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]


class SelfCheckRow(Table):
    """The result of comparing a cell with itself on a kind of machine; the newest row counts."""

    __tablename__ = "selfcheck"
    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(ForeignKey("host.fingerprint"))
    environment_digest: Mapped[str]
    cell: Mapped[str] = mapped_column(ForeignKey("cell.id"))
    metric: Mapped[str]
    trials: Mapped[int]
    rounds: Mapped[float]
    false_alarms: Mapped[float]
    noise_floor: Mapped[float]
    smallest_change: Mapped[float]
    coverage: Mapped[float]
    when: Mapped[datetime]


class CellRow(Table):
    """A point of the matrix."""

    __tablename__ = "cell"
    id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]  # Cell.to_json
    label: Mapped[str]


class RunRow(Table):
    """One `harness run`."""

    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    commit_sha: Mapped[str]
    commit_date: Mapped[datetime | None]
    branch: Mapped[str]
    subject: Mapped[str]
    dirty: Mapped[str]  # digest of uncommitted changes, or empty
    host: Mapped[str] = mapped_column(ForeignKey("host.fingerprint"))
    environment: Mapped[dict[str, Any]]  # versions
    environment_digest: Mapped[str]
    specs: Mapped[dict[str, Any]]  # file -> name, question, digest
    seed: Mapped[int]
    harness_version: Mapped[str]
    command: Mapped[str]
    started: Mapped[datetime]
    finished: Mapped[datetime | None]
    pid: Mapped[int]
    pid_started: Mapped[float]
    # The night whose pairs the run measured. None: the run's results count in the history.
    night: Mapped[int | None]
    __table_args__ = (Index("run_subject", "commit_sha", "dirty", "host", "environment_digest"),)


class ResultRow(Table):
    """What became of a cell in a run."""

    __tablename__ = "result"
    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    cell: Mapped[str] = mapped_column(ForeignKey("cell.id"), index=True)
    status: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str]
    detail: Mapped[str]
    stop_rule: Mapped[str | None]
    baseline: Mapped[str | None]  # a cell's id; the cell itself may never be measured


class RoundRow(Table):
    """One fresh process measuring a cell. `run` is the run that measured it."""

    __tablename__ = "round"
    id: Mapped[int] = mapped_column(primary_key=True)
    result: Mapped[int] = mapped_column(ForeignKey("result.id", ondelete="CASCADE"), index=True)
    run: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    status: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    notes: Mapped[dict[str, Any]]
    started: Mapped[datetime | None]
    seconds: Mapped[float]


class FactRow(Table):
    """A figure about a round's process, or about the host around it."""

    __tablename__ = "fact"
    round: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]


class ValueRow(Table):
    """A metric in one round. It can be derived again from the round's facts and samples."""

    __tablename__ = "round_metric"
    round: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]


class SampleRow(Table):
    """One timed section of one iteration."""

    __tablename__ = "sample"
    round: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    section: Mapped[str]
    seconds: Mapped[float]
    warmup: Mapped[bool]


class DocumentRow(Table):
    """How well a round's model predicts one held-out document; see domain.result.Score."""

    __tablename__ = "document"
    round: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    tokens: Mapped[int]
    bytes: Mapped[int]
    bits: Mapped[float]
    dense_bits: Mapped[float]
    divergence: Mapped[float]
    agreed: Mapped[int]
    floor_bits: Mapped[float | None]


class MetricRow(Table):
    """One metric of a result. It can be derived again from the samples."""

    __tablename__ = "metric"
    result: Mapped[int] = mapped_column(
        ForeignKey("result.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    unit: Mapped[str]
    direction: Mapped[str]
    rounds: Mapped[int]
    samples: Mapped[int]


class CeilingRow(Table):
    """One ceiling of a host, of one kind."""

    __tablename__ = "ceiling"
    host: Mapped[str] = mapped_column(ForeignKey("host.fingerprint"), primary_key=True)
    environment_digest: Mapped[str] = mapped_column(primary_key=True)
    hardware: Mapped[str] = mapped_column(primary_key=True)  # the choice's label
    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # measured, theoretical, data sheet
    position: Mapped[int]  # the order of first saving; a replaced row keeps its position
    value: Mapped[float]
    unit: Mapped[str]
    how: Mapped[str]
    others: Mapped[float]  # the share of the processors that other work took
    environment: Mapped[dict[str, Any]]  # versions
    saved: Mapped[datetime]


class NightRow(Table):
    """One command that compared commits by pairs of rounds."""

    __tablename__ = "night"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    host: Mapped[str] = mapped_column(ForeignKey("host.fingerprint"))
    environment: Mapped[dict[str, Any]]  # versions
    environment_digest: Mapped[str]
    head: Mapped[dict[str, Any]]  # a commit
    specs: Mapped[dict[str, Any]]  # file -> name, question, digest
    command: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    started: Mapped[datetime]
    finished: Mapped[datetime | None]
    pid: Mapped[int]
    pid_started: Mapped[float]


class ConfirmationRow(Table):
    """A metric of a cell compared between two commits, by pairs of rounds."""

    __tablename__ = "confirmation"
    id: Mapped[int] = mapped_column(primary_key=True)
    night: Mapped[int] = mapped_column(ForeignKey("night.id", ondelete="CASCADE"), index=True)
    role: Mapped[str]
    cell: Mapped[str] = mapped_column(ForeignKey("cell.id"), index=True)
    metric: Mapped[str]
    unit: Mapped[str]
    direction: Mapped[str]
    base: Mapped[dict[str, Any]]  # a commit
    head: Mapped[dict[str, Any]]
    verdict: Mapped[str]
    reason: Mapped[str]
    ratio: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    p: Mapped[float | None]
    value: Mapped[float | None]
    predicted_low: Mapped[float | None]
    predicted_high: Mapped[float | None]
    accepted: Mapped[bool]


class PairRow(Table):
    """Two rounds measured one after the other, one at each commit."""

    __tablename__ = "pair"
    confirmation: Mapped[int] = mapped_column(
        ForeignKey("confirmation.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    head_first: Mapped[bool]
    base: Mapped[float]
    head: Mapped[float]
    base_round: Mapped[int | None]  # round.id, until the raw samples are pruned
    head_round: Mapped[int | None]


class TriageRow(Table):
    """A person's decision about a change; the newest row counts."""

    __tablename__ = "triage"
    id: Mapped[int] = mapped_column(primary_key=True)
    cell: Mapped[str] = mapped_column(ForeignKey("cell.id"))
    metric: Mapped[str]
    host: Mapped[str]
    commit_sha: Mapped[str]
    state: Mapped[str]
    note: Mapped[str]
    author: Mapped[str]
    when: Mapped[datetime]
