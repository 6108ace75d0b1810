"""Saves and loads results. Each method is one short transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from harness.domain.ceiling import Ceiling
from harness.domain.cell import Cell
from harness.domain.location import Location
from harness.domain.metric import Estimate
from harness.domain.night import Confirmation, Night, NightState, Triage
from harness.domain.result import Round, Status, StopRule
from harness.domain.run import Environment, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.store.ceilings import save_ceilings
from harness.store.database import Database
from harness.store.dialect import dialect_of
from harness.store.exchange import Record, write
from harness.store.nights import (
    finish_night,
    resume_night,
    save_confirmation,
    save_night,
    save_triage,
)
from harness.store.pruning import AT_ONCE, Prunable, prune
from harness.store.reader import StoreReader
from harness.store.rows import metric_values, round_values, run_values, sample_values, score_values
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


class Store(StoreReader):
    """A database of results, for reading and writing. Several processes may use it at once."""

    @staticmethod
    def _open(location: Location) -> Database:
        return dialect_of(location).open_to_write(location)

    def begin(self, run: Run) -> Run:
        """Record that a run starts; return the run with its key."""
        with self._database.writing() as connection:
            _save_host(connection, run.host)
            key = connection.execute(
                insert(RunRow).values(run_values(run)).returning(RunRow.id)
            ).scalar_one()
        return replace(run, id=key)

    def finish(self, run: Run) -> None:
        """Record that a run has ended, whether or not it finished its cells."""
        ended = update(RunRow).where(RunRow.id == run.id).values(finished=datetime.now(UTC))
        with self._database.writing() as connection:
            connection.execute(ended)

    def open_result(self, run: Run, cell: Cell, baseline: str | None, adopt: int | None) -> int:
        """Create a cell's result, before its rounds; return its key.

        `adopt` is the key of an unfinished result that an earlier run left behind. This run
        continues it, unless another run has adopted it already.
        """
        with self._database.writing() as connection:
            if adopt is not None and _adopted(connection, run, adopt):
                return adopt
            _save_cell(connection, cell)
            row = {
                "run": run.id,
                "cell": cell.id,
                "status": Status.MEASURING.value,
                "reason": "",
                "detail": "",
                "baseline": baseline,
            }
            return int(
                connection.execute(
                    insert(ResultRow).values(row).returning(ResultRow.id)
                ).scalar_one()
            )

    def save_round(self, result: int, run: Run, one: Round) -> int:
        """Save a round with all its samples; return its key."""
        assert run.id is not None
        with self._database.writing() as connection:
            key = connection.execute(
                insert(RoundRow).values(round_values(result, run.id, one)).returning(RoundRow.id)
            ).scalar_one()
            if one.samples:
                connection.execute(insert(SampleRow), sample_values(key, one))
            if one.scores:
                connection.execute(insert(DocumentRow), score_values(key, one))
            for table, figures in ((FactRow, one.facts), (ValueRow, one.values)):
                rows = [{"round": key, "name": n, "value": v} for n, v in figures.items()]
                if rows:
                    connection.execute(insert(table), rows)
        return int(key)

    def close_result(
        self,
        result: int,
        status: Status,
        reason: str = "",
        detail: str = "",
        stop_rule: StopRule | None = None,
        metrics: Mapping[str, Estimate] | None = None,
    ) -> None:
        """Record how the cell ended.

        Replaces the figures of an earlier run whose budget ended before the cell was done.
        """
        values = {
            "status": status.value,
            "reason": reason,
            "detail": detail,
            "stop_rule": stop_rule.value if stop_rule else None,
        }
        with self._database.writing() as connection:
            connection.execute(update(ResultRow).where(ResultRow.id == result).values(values))
            connection.execute(delete(MetricRow).where(MetricRow.result == result))
            if metrics:
                connection.execute(insert(MetricRow), metric_values(result, metrics))

    def begin_night(self, night: Night) -> Night:
        """Record that a night starts; return the night with its key."""
        with self._database.writing() as connection:
            _save_host(connection, night.host)
            return replace(night, id=save_night(connection, night))

    def resume_night(self, night: Night) -> None:
        """Record that another process goes on with the night."""
        assert night.id is not None
        with self._database.writing() as connection:
            resume_night(connection, night.id, night.pid, night.pid_started)

    def save_confirmation(self, night: Night, one: Confirmation) -> Confirmation:
        """Save what the night found about a cell; return it with its key."""
        assert night.id is not None
        with self._database.writing() as connection:
            _save_cell(connection, one.cell)
            return replace(one, id=save_confirmation(connection, night.id, one))

    def finish_night(self, night: Night, state: NightState, reason: str = "") -> None:
        """Record how the night ended."""
        assert night.id is not None
        with self._database.writing() as connection:
            finish_night(connection, night.id, state, reason)

    def save_triage(self, one: Triage) -> None:
        """Save a person's decision about a change."""
        with self._database.writing() as connection:
            save_triage(connection, one)

    def save_selfcheck(self, host: Host, environment: Environment, check: SelfCheck) -> None:
        """Save the result of a self-check."""
        figures = {one.name: getattr(check, one.name) for one in fields(check)}
        with self._database.writing() as connection:
            _save_host(connection, host)
            _save_cell(connection, check.cell)
            connection.execute(
                insert(SelfCheckRow).values(
                    {
                        **figures,
                        "cell": check.cell.id,
                        "host": host.fingerprint,
                        "environment_digest": environment.digest,
                    }
                )
            )

    def save_ceilings(
        self, host: Host, environment: Environment, hardware: str, found: Sequence[Ceiling]
    ) -> None:
        """Save the hardware's ceilings, replacing those of the same name and kind."""
        if found:
            with self._database.writing() as connection:
                _save_host(connection, host)
                save_ceilings(connection, host, environment, hardware, found)

    def add(self, record: Record) -> Counter[str]:
        """Add what is missing of a checked record; return how many of each kind were added.

        A record is added whole or not at all, and adding it again changes nothing.
        """
        with self._database.writing() as connection:
            return write(connection, record)

    def prune(self, found: Prunable) -> None:
        """Delete these raw samples, a few rounds in each transaction."""
        for start in range(0, len(found.rounds), AT_ONCE):
            with self._database.writing() as connection:
                prune(connection, found.rounds[start : start + AT_ONCE])

    def reclaim(self) -> int:
        """Give the space of deleted rows back to the system; return how many bytes.

        Raises StoreError if another process uses the database for too long.
        """
        return dialect_of(self._location).reclaim(self._location, self._database)


def _save_host(connection: Connection, host: Host) -> None:
    known = select(HostRow.fingerprint).where(HostRow.fingerprint == host.fingerprint)
    if connection.scalar(known) is None:
        values = {"fingerprint": host.fingerprint, "content": host.to_json()}
        connection.execute(insert(HostRow).values(values))


def _save_cell(connection: Connection, cell: Cell) -> None:
    if connection.scalar(select(CellRow.id).where(CellRow.id == cell.id)) is None:
        values = {"id": cell.id, "content": cell.to_json(), "label": str(cell)}
        connection.execute(insert(CellRow).values(values))


def _adopted(connection: Connection, run: Run, result: int) -> bool:
    """True if the unfinished result now belongs to this run."""
    owner = select(ResultRow.run).where(ResultRow.id == result).scalar_subquery()
    ours = (
        update(ResultRow)
        .where(
            ResultRow.id == result,
            or_(
                ResultRow.status == Status.MEASURING.value,
                ResultRow.stop_rule == StopRule.BUDGET.value,
            ),
            # An owner with a higher key began later: it has adopted the result already.
            owner < run.id,
        )
        .values(run=run.id)
    )
    return connection.execute(ours).rowcount == 1
