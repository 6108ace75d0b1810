"""Reads what a database holds as records, each of which can be written in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, select

from harness.domain.night import NightState
from harness.domain.result import Status
from harness.store.database import Refused
from harness.store.decoding import decoded
from harness.store.exchange.records import Record, Row, chunks, identity, plain
from harness.store.tables import (
    CeilingRow,
    CellRow,
    ConfirmationRow,
    DocumentRow,
    FactRow,
    HostRow,
    MetricRow,
    NightRow,
    PairRow,
    ResultRow,
    RoundRow,
    RunRow,
    SampleRow,
    SelfCheckRow,
    Table,
    TriageRow,
    ValueRow,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute

# The tables with the parts of a round, by their key in a record.
OF_ROUND: dict[str, type[Table]] = {
    "facts": FactRow,
    "values": ValueRow,
    "samples": SampleRow,
    "documents": DocumentRow,
}
# The tables with rows that belong to a host rather than to a run.
OF_HOST: dict[str, type[Table]] = {
    "selfchecks": SelfCheckRow,
    "ceilings": CeilingRow,
    "triage": TriageRow,
}
SIDES = ("base_round", "head_round")  # a pair's columns that cite its rounds
NUMBERS = ("id", "position")  # their columns that mean nothing in another database


@dataclass(frozen=True)
class Unit:
    """What one record holds: a run, a night with its runs, or all that belongs to no run."""

    kind: str  # "run", "night" or "hosts"
    key: int = 0  # the run's or night's, in its database


@dataclass(frozen=True)
class Units:
    """Everything in a database that can move to another, and how much is not finished yet."""

    found: tuple[Unit, ...]
    unfinished_results: int
    unfinished_nights: int


def units(connection: Connection) -> Units:
    """What can move: final results and nights that ended; runs first, so that nights can cite them.

    An unfinished result stays where the next run may continue it.
    """
    over = NightRow.state != NightState.RUNNING.value
    runs = connection.scalars(select(RunRow.id).where(RunRow.night.is_(None)).order_by(RunRow.id))
    nights = connection.scalars(select(NightRow.id).where(over).order_by(NightRow.id))
    found = [Unit("hosts"), *(Unit("run", key) for key in runs)]
    found += [Unit("night", key) for key in nights]
    measuring = (
        select(func.count())
        .select_from(ResultRow)
        .join(RunRow, RunRow.id == ResultRow.run)
        .where(ResultRow.status == Status.MEASURING.value, RunRow.night.is_(None))
    )
    running = select(func.count()).select_from(NightRow).where(~over)
    counts = [int(connection.scalar(query) or 0) for query in (measuring, running)]
    return Units(tuple(found), *counts)


def read(connection: Connection, unit: Unit) -> Record:
    """The unit's record. Raises Refused if a row cannot be read."""
    if unit.kind == "hosts":
        return _hosts(connection)
    owned = RunRow.night == unit.key if unit.kind == "night" else RunRow.id == unit.key
    runs = connection.scalars(select(RunRow.id).where(owned).order_by(RunRow.id)).all()
    # What a night left unfinished is never continued; it explains the night's verdicts.
    final = [] if unit.kind == "night" else [ResultRow.status != Status.MEASURING.value]
    results = [
        row
        for part in chunks(runs)
        for row in _rows(connection, ResultRow, ResultRow.run.in_(part), *final)
    ]
    rounds = _rounds(connection, [row["id"] for row in results])
    metrics = _grouped(connection, MetricRow, "result", [row["id"] for row in results])
    night = unit.key if unit.kind == "night" else None
    confirmations, cited = _confirmations(connection, night)
    measured_by = {one["run"] for several in rounds.values() for one in several}
    rows = _runs(connection, {*runs, *measured_by, *(one[0] for one in cited.values())})
    nights, night_keys = _nights(connection, rows.values(), night)
    for row in rows.values():
        row["night"] = night_keys[row["night"]]
    keys = {number: identity(RunRow, row) for number, row in rows.items()}
    for row in results:
        number = row.pop("id")
        row["run"] = _owner(keys, row["run"])
        row["metrics"] = metrics.get(number, [])
        row["rounds"] = rounds.get(number, [])
        for one in row["rounds"]:
            one["run"] = _owner(keys, one["run"])
    _name_cited(confirmations, cited, keys)
    cells = {row["cell"] for row in (*results, *confirmations)}
    hosts = {row["host"] for row in (*rows.values(), *nights.values())}
    return {
        "record": unit.kind,
        "hosts": _by_key(connection, HostRow, HostRow.fingerprint, hosts),
        "cells": _by_key(connection, CellRow, CellRow.id, cells),
        "nights": nights,
        "runs": {keys[number]: row for number, row in rows.items()},
        "results": results,
        "night": night_keys[night],
        "confirmations": confirmations,
    }


def _hosts(connection: Connection) -> Record:
    """What is known about hosts, and people's decisions."""
    parts = {name: _rows(connection, table, without=NUMBERS) for name, table in OF_HOST.items()}
    hosts = {row["host"] for name in ("selfchecks", "ceilings") for row in parts[name]}
    cells = {row["cell"] for name in ("selfchecks", "triage") for row in parts[name]}
    return {
        "record": "hosts",
        "hosts": _by_key(connection, HostRow, HostRow.fingerprint, hosts),
        "cells": _by_key(connection, CellRow, CellRow.id, cells),
        **parts,
    }


def _rows(
    connection: Connection,
    table: type[Table],
    *where: ColumnElement[bool],
    without: Sequence[str] = (),
) -> list[Row]:
    """The table's rows as plain data, by primary key."""
    query = select(table.__table__).order_by(*table.__table__.primary_key)
    return decoded(connection, query.where(*where), table, lambda row: plain(table, row, without))


def _grouped(
    connection: Connection, table: type[Table], owner: str, keys: Sequence[int]
) -> Mapping[int, list[Row]]:
    """Each owner's rows, without the column that names the owner."""
    found: defaultdict[int, list[Row]] = defaultdict(list)
    column = table.__table__.columns[owner]
    for part in chunks(keys):
        for row in _rows(connection, table, column.in_(part)):
            found[row.pop(owner)].append(row)
    return found


def _rounds(connection: Connection, results: Sequence[int]) -> Mapping[int, list[Row]]:
    """Each result's rounds with their parts, in order; `run` is still this database's key."""
    found = _grouped(connection, RoundRow, "result", results)
    keys = [row["id"] for rows in found.values() for row in rows]
    parts = {name: _grouped(connection, table, "round", keys) for name, table in OF_ROUND.items()}
    for rows in found.values():
        for row in rows:
            key = row.pop("id")
            row |= {name: parts[name].get(key, []) for name in OF_ROUND}
    return found


def _confirmations(
    connection: Connection, night: int | None
) -> tuple[list[Row], Mapping[int, tuple[Any, ...]]]:
    """What the night found, and each cited round's run, cell, position and start."""
    if night is None:
        return [], {}
    rows = _rows(connection, ConfirmationRow, ConfirmationRow.night == night)
    pairs = _grouped(connection, PairRow, "confirmation", [row["id"] for row in rows])
    for row in rows:
        row["pairs"] = pairs.get(row.pop("id"), [])
        del row["night"]
    cited = {pair[side] for row in rows for pair in row["pairs"] for side in SIDES} - {None}
    places: dict[int, tuple[Any, ...]] = {}
    for part in chunks(sorted(cited)):
        query = (
            select(RoundRow.id, RoundRow.run, ResultRow.cell, RoundRow.position, RoundRow.started)
            .join(ResultRow, ResultRow.id == RoundRow.result)
            .where(RoundRow.id.in_(part))
        )
        for one in decoded(connection, query, RoundRow, lambda row: row):
            started = one.started.isoformat() if one.started else None
            places[one.id] = (one.run, one.cell, one.position, started)
    return rows, places


def _name_cited(
    confirmations: Iterable[Row], cited: Mapping[int, tuple[Any, ...]], keys: Mapping[int, str]
) -> None:
    """Replace the numbers of the pairs' rounds by their places."""
    for pair in (pair for one in confirmations for pair in one["pairs"]):
        for side in SIDES:
            place = cited.get(pair[side])
            pair[side] = [_owner(keys, place[0]), *place[1:]] if place else None


def _runs(connection: Connection, numbers: Iterable[int]) -> Mapping[int, Row]:
    """Each run's row, by this database's key."""
    parts = chunks(sorted(numbers))
    rows = [row for part in parts for row in _rows(connection, RunRow, RunRow.id.in_(part))]
    return {row.pop("id"): row for row in rows}


def _nights(
    connection: Connection, runs: Iterable[Row], night: int | None
) -> tuple[dict[str, Row], Mapping[int | None, str | None]]:
    """The nights that the runs belong to, by identity; and their identities by key."""
    every = (night, *(row["night"] for row in runs))
    numbers: set[int] = {one for one in every if one is not None}
    rows = _rows(connection, NightRow, NightRow.id.in_(sorted(numbers)))
    by_number: dict[int, Row] = {row.pop("id"): row for row in rows}
    if missing := sorted(numbers - by_number.keys()):
        raise Refused(f"a run belongs to night {missing[0]}, which is missing")
    keys: dict[int | None, str | None] = {None: None}
    found: dict[str, Row] = {}
    for number, row in by_number.items():
        key = identity(NightRow, row)
        keys[number], found[key] = key, row
    return found, keys


def _owner(keys: Mapping[int, str], number: int) -> str:
    if number not in keys:
        raise Refused(f"a result or a round belongs to run {number}, which is missing")
    return keys[number]


def _by_key(
    connection: Connection,
    table: type[Table],
    key: InstrumentedAttribute[str],
    wanted: Iterable[str],
) -> dict[str, Row]:
    parts = chunks(sorted(wanted))
    rows = [row for part in parts for row in _rows(connection, table, key.in_(part))]
    return {row.pop(key.key): row for row in rows}
