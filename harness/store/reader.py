"""Loads results. Each method is one short transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, select

from harness.domain.ceiling import Ceiling, Ceilings
from harness.domain.location import Location
from harness.domain.night import Night, Triage
from harness.domain.result import Known, Latest, Result, Round, Status, StopRule, Took
from harness.domain.run import Commit, Environment, Host
from harness.domain.selfcheck import SelfCheck
from harness.store.ceilings import load_all_ceilings, load_ceilings
from harness.store.database import Database
from harness.store.decoding import decoded
from harness.store.dialect import dialect_of
from harness.store.exchange import Record, Unit, Units, read, units
from harness.store.latest import load_latest
from harness.store.loading import (
    load_cells,
    load_hosts,
    load_results,
    load_rounds,
    load_selfchecks,
)
from harness.store.nights import load_nights, load_triage
from harness.store.pruning import Prunable, prunable
from harness.store.tables import ResultRow, RoundRow, RunRow

if TYPE_CHECKING:
    from sqlalchemy import Row


class StoreReader:
    """A database of results, for reading only. A missing database counts as empty."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._database = self._open(location)

    @staticmethod
    def _open(location: Location) -> Database:
        return dialect_of(location).open_to_read(location)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def known(
        self,
        commit: Commit,
        host: Host,
        environment: Environment,
        alive: Callable[[int, float], bool],
        since: datetime | None = None,
    ) -> dict[str, Known]:
        """Each cell's newest result for exactly this commit, host and environment, by cell id.

        `alive` says whether the process with that pid and start time still runs. A result that a
        live run is still measuring belongs to that run and is left out. Outside a git repository
        the subject is the built-in Transformer, identified by the harness's version in the
        environment. Results of runs that began before `since` are left out.
        """
        counted = (
            select(RoundRow.result, func.count().label("rounds"))
            .group_by(RoundRow.result)
            .subquery()
        )
        query = (
            select(
                ResultRow.id,
                ResultRow.cell,
                ResultRow.status,
                ResultRow.reason,
                ResultRow.stop_rule,
                func.coalesce(counted.c.rounds, 0).label("rounds"),
                RunRow.pid,
                RunRow.pid_started,
                RunRow.finished,
            )
            .join(RunRow, RunRow.id == ResultRow.run)
            .outerjoin(counted, counted.c.result == ResultRow.id)
            .where(
                RunRow.commit_sha == commit.sha,
                RunRow.dirty == commit.dirty,
                RunRow.host == host.fingerprint,
                RunRow.environment_digest == environment.digest,
                RunRow.night.is_(None),
            )
            # A result that was merged may be older than its key suggests.
            .order_by(RunRow.started, ResultRow.id)
        )
        if since is not None:
            query = query.where(RunRow.started >= since)
        with self._database.reading() as connection:
            rows = decoded(connection, query, ResultRow, _with_known)
        found: dict[str, Known] = {}
        for row, known in rows:
            if known.is_open and row.finished is None and alive(row.pid, row.pid_started):
                continue
            if not known.status.final and row.cell in found and found[row.cell].status.final:
                continue  # an abandoned attempt does not replace a finished result
            found[row.cell] = known
        return found

    def rounds_of(self, result: int) -> list[Round]:
        """A result's rounds so far, in order."""
        with self._database.reading() as connection:
            return list(load_rounds(connection, [result], samples=True).get(result, ()))

    def durations(self, host: Host) -> dict[str, Took]:
        """What each cell took in earlier runs on this kind of host, by cell id."""
        query = (
            select(
                func.min(RoundRow.id).label("id"),
                ResultRow.cell,
                func.sum(RoundRow.seconds).label("seconds"),
                func.count().label("rounds"),
            )
            .join(RoundRow, RoundRow.result == ResultRow.id)
            .join(RunRow, RunRow.id == RoundRow.run)
            .where(RunRow.host == host.fingerprint)
            .group_by(ResultRow.id)
        )
        with self._database.reading() as connection:
            results = decoded(connection, query, RoundRow, _duration)
        by_cell: defaultdict[str, list[Took]] = defaultdict(list)
        for cell, took in results:
            by_cell[cell].append(took)
        return {cell: _merged(several) for cell, several in by_cell.items()}

    def latest(self, host: Host) -> Mapping[str, Latest]:
        """The newest measurement of each cell on this kind of host, by cell id."""
        with self._database.reading() as connection:
            return load_latest(connection, host)

    def selfchecks(self) -> list[tuple[Host, SelfCheck]]:
        """The newest self-check of each kind of machine and cell."""
        with self._database.reading() as connection:
            return load_selfchecks(connection)

    def results(self, *, newest_only: bool = True, samples: bool = False) -> list[Result]:
        """Results, newest first: all of them, or the newest of each cell and host.

        Rounds carry their samples only if `samples` is true.
        """
        with self._database.reading() as connection:
            return load_results(connection, newest_only=newest_only, samples=samples)

    def nights(self) -> list[Night]:
        """All nights with what they found, in the order in which they began."""
        with self._database.reading() as connection:
            return load_nights(connection, load_hosts(connection), load_cells(connection))

    def triage(self) -> list[Triage]:
        """People's decisions about changes, the latest last."""
        with self._database.reading() as connection:
            return load_triage(connection)

    def ceilings(self, host: Host, environment: Environment, hardware: str) -> tuple[Ceiling, ...]:
        """The stored ceilings of the hardware with that label."""
        with self._database.reading() as connection:
            return load_ceilings(connection, host, environment, hardware)

    def all_ceilings(self) -> tuple[Ceilings, ...]:
        """The ceilings of every host, environment and hardware; the latest saved come first."""
        with self._database.reading() as connection:
            return load_all_ceilings(connection)

    def prunable(self, before: datetime) -> Prunable:
        """The raw samples of rounds that began before then and that nothing rests on."""
        with self._database.reading() as connection:
            return prunable(connection, before)

    def units(self) -> Units:
        """Everything that can move to another database, in the order in which to write it."""
        with self._database.reading() as connection:
            return units(connection)

    def record(self, unit: Unit) -> Record:
        """The unit as plain data, which JSON can hold; docs/json.md describes it."""
        with self._database.reading() as connection:
            return read(connection, unit)


def _with_known(row: Row[Any]) -> tuple[Row[Any], Known]:
    rule = StopRule(row.stop_rule) if row.stop_rule else None
    return row, Known(Status(row.status), row.reason, row.rounds, row.id, rule)


def _duration(row: Row[Any]) -> tuple[str, Took]:
    return row.cell, Took(float(row.seconds) / row.rounds, row.rounds)


def _merged(several: Sequence[Took]) -> Took:
    """What several results of a cell took together."""
    rounds = sum(one.rounds for one in several)
    seconds = sum(one.seconds * one.rounds for one in several)
    return Took(seconds / rounds, max(one.rounds for one in several))
