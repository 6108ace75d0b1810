"""Load many results with few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, case, func, select

from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.result import Result, Round, Sample, Score, Status
from harness.domain.run import Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.store.decoding import decoded
from harness.store.rows import cell_of, estimate_of, host_of, result_of, round_of, run_of
from harness.store.tables import (
    CellRow,
    DocumentRow,
    FactRow,
    HostRow,
    MetricRow,
    ResultRow,
    RoundRow,
    RunRow,
    SampleRow,
    SelfCheckRow,
    Table,
    ValueRow,
)

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.orm import InstrumentedAttribute

T = TypeVar("T")

_ITS_RUN = RunRow.id == ResultRow.run
_SCORE = [one.name for one in fields(Score)]

# SQLite accepts some 32,000 values in one statement; older versions accept 999.
_CHUNK = 900


def load_results(connection: Connection, *, newest_only: bool, samples: bool) -> list[Result]:
    """Results, newest first: all of them, or the newest of each cell and host.

    Leaves out the pairs that nights measured: only suspicious values get any. A result that is
    still being measured is the newest only if there is no other.
    """
    # As in site/cell_history.py: a late measurement of an old commit is history, not the newest.
    date = func.coalesce(RunRow.commit_date, RunRow.started)
    age = (date.desc(), RunRow.started.desc(), ResultRow.id.desc())
    unfinished = case((ResultRow.status == Status.MEASURING.value, 1), else_=0)
    order = (unfinished, *age)
    place = func.row_number().over(partition_by=(ResultRow.cell, RunRow.host), order_by=order)
    # An outer join, so that a result whose run is missing causes an error and is not overlooked.
    ranked = select(ResultRow.id, place.label("place")).outerjoin(RunRow, _ITS_RUN)
    query = select(ResultRow.__table__).outerjoin(RunRow, _ITS_RUN).order_by(*age)
    ranked, query = (one.where(RunRow.night.is_(None)) for one in (ranked, query))
    if newest_only:
        places = ranked.subquery()
        query = query.where(ResultRow.id.in_(select(places.c.id).where(places.c.place == 1)))
    keys = connection.scalars(query.with_only_columns(ResultRow.id)).all()
    runs, cells = _runs(connection), load_cells(connection)
    metrics = _parts(connection, MetricRow, MetricRow.result, keys, _metric)
    rounds = load_rounds(connection, keys, samples=samples)

    def build(row: Row[Any]) -> Result:
        parts = dict(metrics.get(row.id, ())), rounds.get(row.id, ())
        return result_of(row, runs[row.run], cells[row.cell], *parts)

    return decoded(connection, query, ResultRow, build)


def load_selfchecks(connection: Connection) -> list[tuple[Host, SelfCheck]]:
    """The newest self-check of each kind of machine and cell, in the order they were saved."""
    place = func.row_number().over(  # a check that was merged may be older than its key suggests
        partition_by=(SelfCheckRow.host, SelfCheckRow.cell),
        order_by=(SelfCheckRow.when.desc(), SelfCheckRow.id.desc()),
    )
    ranked = select(SelfCheckRow.id, place.label("place")).subquery()
    newest = select(ranked.c.id).where(ranked.c.place == 1)
    query = select(SelfCheckRow.__table__).where(SelfCheckRow.id.in_(newest))
    hosts, cells = load_hosts(connection), load_cells(connection)
    names = [one.name for one in fields(SelfCheck) if one.name != "cell"]

    def build(row: Row[Any]) -> tuple[Host, SelfCheck]:
        figures = {name: getattr(row, name) for name in names}
        return hosts[row.host], SelfCheck(cell=cells[row.cell], **figures)

    return decoded(connection, query.order_by(SelfCheckRow.id), SelfCheckRow, build)


def load_rounds(
    connection: Connection, results: Sequence[int], *, samples: bool
) -> Mapping[int, tuple[Round, ...]]:
    """Each result's rounds in order, with their samples and scores if `samples`."""
    keys = [
        key
        for chunk in _chunks(results)
        for key in connection.scalars(select(RoundRow.id).where(RoundRow.result.in_(chunk)))
    ]
    facts = _parts(connection, FactRow, FactRow.round, keys, _figure)
    values = _parts(connection, ValueRow, ValueRow.round, keys, _figure)
    sampled = keys if samples else []
    samples_of = _parts(connection, SampleRow, SampleRow.round, sampled, _sample)
    scores_of = _parts(connection, DocumentRow, DocumentRow.round, sampled, _score)

    def build(row: Row[Any]) -> Round:
        raw = tuple(samples_of.get(row.id, ())), tuple(scores_of.get(row.id, ()))
        return round_of(row, *raw, dict(facts.get(row.id, ())), dict(values.get(row.id, ())))

    order = (RoundRow.position, RoundRow.id)
    found = _parts(connection, RoundRow, RoundRow.result, results, build, order)
    return {result: tuple(rounds) for result, rounds in found.items()}


def load_hosts(connection: Connection) -> Mapping[str, Host]:
    """All hosts by fingerprint."""
    query = select(HostRow.__table__)
    return dict(decoded(connection, query, HostRow, lambda row: (row.fingerprint, host_of(row))))


def _runs(connection: Connection) -> Mapping[int, Run]:
    hosts = load_hosts(connection)
    query = select(RunRow.__table__)
    return dict(decoded(connection, query, RunRow, lambda row: (row.id, run_of(row, hosts))))


def load_cells(connection: Connection) -> Mapping[str, Cell]:
    """All cells by id."""
    query = select(CellRow.id, CellRow.content)
    return dict(decoded(connection, query, CellRow, lambda row: (row.id, cell_of(row))))


def _parts(
    connection: Connection,
    table: type[Table],
    owner: InstrumentedAttribute[int],
    owners: Sequence[int],
    make: Callable[[Row[Any]], T],
    order: Sequence[InstrumentedAttribute[int]] = (),
) -> Mapping[int, Sequence[T]]:
    """The values built from each owner's rows in the table, sorted by key or as `order` says."""
    found: defaultdict[int, list[T]] = defaultdict(list)
    columns = order or table.__table__.primary_key
    for chunk in _chunks(owners):
        query = select(table.__table__).where(owner.in_(chunk)).order_by(*columns)
        for key, one in decoded(
            connection, query, table, lambda row: (getattr(row, owner.key), make(row))
        ):
            found[key].append(one)
    return found


def _metric(row: Row[Any]) -> tuple[str, Estimate]:
    return row.name, estimate_of(row)


def _figure(row: Row[Any]) -> tuple[str, float]:
    return row.name, row.value


def _sample(row: Row[Any]) -> Sample:
    return Sample(row.section, row.seconds, row.warmup)


def _score(row: Row[Any]) -> Score:
    return Score(**{name: getattr(row, name) for name in _SCORE})


def _chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
