"""Deletes old raw samples; metrics, rounds and facts stay, and so do all figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, or_, select

from harness.domain.result import Status
from harness.store.tables import (
    DocumentRow,
    PairRow,
    ResultRow,
    RoundRow,
    RunRow,
    SampleRow,
)

AT_ONCE = 500  # rounds whose samples one transaction deletes: a running measurement waits for it


@dataclass(frozen=True)
class Prunable:
    """The raw data of rounds that began before a time."""

    rounds: tuple[int, ...]  # whose samples and documents go
    samples: int
    documents: int
    kept_newest: int  # old rounds that stay: of the newest result of a series, or unfinished
    kept_cited: int  # and those that a night's verdict rests on


def prunable(connection: Connection, before: datetime) -> Prunable:
    """What may go. Of each cell, host and environment, the newest result keeps its samples.

    If the newest result is a failure, the newest that was measured keeps its samples too.
    """
    newest, cited = RoundRow.result.in_(_newest()), RoundRow.id.in_(_cited())
    goes = _keys(connection, before, ~newest, ~cited)
    return Prunable(
        rounds=tuple(goes),
        samples=_count(connection, SampleRow, goes),
        documents=_count(connection, DocumentRow, goes),
        kept_newest=len(_keys(connection, before, newest, ~cited)),
        kept_cited=len(_keys(connection, before, cited)),
    )


def prune(connection: Connection, rounds: Sequence[int]) -> None:
    """Delete the samples and the document scores of at most AT_ONCE rounds."""
    for table in (SampleRow, DocumentRow):
        connection.execute(delete(table).where(table.round.in_(rounds)))


def _keys(connection: Connection, before: datetime, *where: ColumnElement[bool]) -> list[int]:
    """The old rounds that still have raw data."""
    raw = (exists().where(table.round == RoundRow.id) for table in (SampleRow, DocumentRow))
    query = (
        select(RoundRow.id)
        .join(RunRow, RunRow.id == RoundRow.run)
        .where(func.coalesce(RoundRow.started, RunRow.started) < before, or_(*raw), *where)
        .order_by(RoundRow.id)
    )
    return list(connection.scalars(query))


def _newest() -> Select[tuple[int]]:
    """The results that keep their samples: the newest of each series, and all unfinished ones."""
    # As in loading.py: a late measurement of an old commit is history, not the newest.
    date = func.coalesce(RunRow.commit_date, RunRow.started)
    series = (ResultRow.cell, RunRow.host, RunRow.environment_digest)
    ok = ResultRow.status == Status.OK.value
    place = func.row_number().over(
        partition_by=(*series, ok),
        order_by=(date.desc(), RunRow.started.desc(), ResultRow.id.desc()),
    )
    ranked = (
        select(ResultRow.id, ResultRow.status, place.label("place"))
        .join(RunRow, RunRow.id == ResultRow.run)
        .where(RunRow.night.is_(None))
        .subquery()
    )
    unfinished = ranked.c.status == Status.MEASURING.value
    return select(ranked.c.id).where(or_(ranked.c.place == 1, unfinished))


def _cited() -> Select[tuple[int | None]]:
    """The rounds of the pairs that nights compared."""
    sides = (PairRow.base_round, PairRow.head_round)
    base, head = (select(side.label("round")).where(side.is_not(None)) for side in sides)
    both = base.union_all(head).subquery()
    return select(both.c.round)


def _count(
    connection: Connection, table: type[SampleRow | DocumentRow], rounds: Sequence[int]
) -> int:
    parts = (rounds[start : start + AT_ONCE] for start in range(0, len(rounds), AT_ONCE))
    counts = (
        connection.scalar(select(func.count()).select_from(table).where(table.round.in_(part)))
        for part in parts
    )
    return sum(count or 0 for count in counts)
