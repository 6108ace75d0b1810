"""Many results in few queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from sqlalchemy import Connection, func, select

from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.result import Result, Round, Sample, Score
from harness.domain.run import Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.store.rows import estimate_of, result_of, round_of, run_of
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
    ValueRow,
)

# SQLite takes some 32,000 values in one statement; older ones 999.
_CHUNK = 900


def load_results(connection: Connection, *, newest_only: bool, samples: bool) -> list[Result]:
    """Results, newest first; of each cell and host the newest, or all."""
    # As in site/chronicle.py: measuring an old commit fills the history, and is not the newest.
    made = func.coalesce(RunRow.commit_date, RunRow.started)
    age = (made.desc(), RunRow.started.desc(), ResultRow.id.desc())
    place = func.row_number().over(partition_by=(ResultRow.cell, RunRow.host), order_by=age)
    table = ResultRow.__table__
    placed = select(table.c.id, place.label("place")).join(RunRow, RunRow.id == ResultRow.run)
    query = select(table).join(RunRow, RunRow.id == ResultRow.run).order_by(*age)
    if newest_only:
        newest = placed.subquery()
        query = query.where(table.c.id.in_(select(newest.c.id).where(newest.c.place == 1)))
    rows = connection.execute(query).all()
    keys = [row.id for row in rows]
    runs, cells = _runs(connection), _cells(connection)
    metrics, rounds = _metrics(connection, keys), load_rounds(connection, keys, samples=samples)
    return [
        result_of(
            row, runs[row.run], cells[row.cell], metrics.get(row.id, {}), rounds.get(row.id, ())
        )
        for row in rows
    ]


def load_selfchecks(connection: Connection) -> list[tuple[Host, SelfCheck]]:
    """The newest of each kind of machine and cell, in the order they were made."""
    newest = select(func.max(SelfCheckRow.id)).group_by(SelfCheckRow.host, SelfCheckRow.cell)
    query = select(SelfCheckRow.__table__).where(SelfCheckRow.id.in_(newest))
    rows = connection.execute(query.order_by(SelfCheckRow.id)).mappings().all()
    hosts, cells = _hosts(connection), _cells(connection)
    names = [one.name for one in fields(SelfCheck) if one.name != "cell"]
    return [
        (
            hosts[row["host"]],
            SelfCheck(cell=cells[row["cell"]], **{name: row[name] for name in names}),
        )
        for row in rows
    ]


def load_rounds(
    connection: Connection, results: Sequence[int], *, samples: bool
) -> Mapping[int, tuple[Round, ...]]:
    """By result, its rounds in order; with their samples and scores if asked."""
    rows = [
        row
        for keys in _chunks(results)
        for row in connection.execute(
            select(RoundRow.__table__)
            .where(RoundRow.result.in_(keys))
            .order_by(RoundRow.position, RoundRow.id)
        )
    ]
    keys = [row.id for row in rows]
    facts, values = (_figures(connection, table, keys) for table in (FactRow, ValueRow))
    taken = _samples(connection, keys) if samples else {}
    told = _scores(connection, keys) if samples else {}
    found: defaultdict[int, list[Round]] = defaultdict(list)
    for row in rows:
        raw = tuple(taken.get(row.id, ())), tuple(told.get(row.id, ()))
        one = round_of(row, *raw, facts.get(row.id, {}), values.get(row.id, {}))
        found[row.result].append(one)
    return {result: tuple(rounds) for result, rounds in found.items()}


def _runs(connection: Connection) -> Mapping[int, Run]:
    hosts = _hosts(connection)
    rows = connection.execute(select(RunRow.__table__))
    return {row.id: run_of(row, hosts) for row in rows}


def _hosts(connection: Connection) -> Mapping[str, Host]:
    rows = connection.execute(select(HostRow.__table__))
    return {row.fingerprint: Host.from_json(row.content) for row in rows}


def _cells(connection: Connection) -> Mapping[str, Cell]:
    rows = connection.execute(select(CellRow.id, CellRow.content))
    return {row.id: Cell.from_json(row.content) for row in rows}


def _metrics(
    connection: Connection, results: Sequence[int]
) -> Mapping[int, Mapping[str, Estimate]]:
    found: defaultdict[int, dict[str, Estimate]] = defaultdict(dict)
    for keys in _chunks(results):
        query = select(MetricRow.__table__).where(MetricRow.result.in_(keys))
        for row in connection.execute(query):
            found[row.result][row.name] = estimate_of(row)
    return found


def _figures(
    connection: Connection, table: type[FactRow | ValueRow], rounds: Sequence[int]
) -> Mapping[int, Mapping[str, float]]:
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for keys in _chunks(rounds):
        query = select(table.__table__).where(table.round.in_(keys))
        for row in connection.execute(query):
            found[row.round][row.name] = row.value
    return found


def _samples(connection: Connection, rounds: Sequence[int]) -> Mapping[int, Sequence[Sample]]:
    found: defaultdict[int, list[Sample]] = defaultdict(list)
    for keys in _chunks(rounds):
        query = (
            select(SampleRow.__table__)
            .where(SampleRow.round.in_(keys))
            .order_by(SampleRow.round, SampleRow.position)
        )
        for row in connection.execute(query):
            found[row.round].append(Sample(row.section, row.seconds, row.warmup))
    return found


def _scores(connection: Connection, rounds: Sequence[int]) -> Mapping[int, Sequence[Score]]:
    names = [one.name for one in fields(Score)]
    found: defaultdict[int, list[Score]] = defaultdict(list)
    for keys in _chunks(rounds):
        query = (
            select(DocumentRow.__table__)
            .where(DocumentRow.round.in_(keys))
            .order_by(DocumentRow.round, DocumentRow.position)
        )
        for row in connection.execute(query).mappings():
            found[row["round"]].append(Score(**{name: row[name] for name in names}))
    return found


def _chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))
