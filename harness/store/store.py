"""Save and load results. Each method is one short transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from harness.domain.ceiling import Ceiling, Ceilings
from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.result import Known, Result, Round, Status, StopRule, Took
from harness.domain.run import Commit, Environment, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.store.ceilings import load_all_ceilings, load_ceilings, save_ceilings
from harness.store.engine import Database
from harness.store.loading import load_results, load_rounds, load_selfchecks
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


class Store:
    """A database of results. Several processes may use one at the same time."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def begin(self, run: Run) -> Run:
        """Note that a run starts; the run with its key."""
        with self._database.writing() as connection:
            _know(connection, run.host)
            key = connection.execute(
                insert(RunRow).values(run_values(run)).returning(RunRow.id)
            ).scalar_one()
        return replace(run, id=key)

    def finish(self, run: Run) -> None:
        """Note that a run has ended, all done or not."""
        ended = update(RunRow).where(RunRow.id == run.id).values(finished=datetime.now(UTC))
        with self._database.writing() as connection:
            connection.execute(ended)

    def known(
        self,
        commit: Commit,
        host: Host,
        environment: Environment,
        alive: Callable[[int, float], bool],
    ) -> dict[str, Known]:
        """By cell, the newest result of this very commit, host and environment.

        What a run still `alive` (asked by process id and its start) is measuring is left out:
        it is that run's. Outside a git repository the built-in Transformer is the subject, and
        the harness's version, which is part of the environment, identifies it.
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
            )
            .order_by(ResultRow.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        found: dict[str, Known] = {}
        for row in rows:
            measuring = row.status == Status.MEASURING
            if measuring and row.finished is None and alive(row.pid, row.pid_started):
                continue
            if measuring and row.cell in found and found[row.cell].status.final:
                continue  # an abandoned attempt does not undo a result
            found[row.cell] = Known(Status(row.status), row.reason, row.rounds, row.id)
        return found

    def open_result(self, run: Run, cell: Cell, baseline: str | None, adopt: int | None) -> int:
        """A cell's result whose rounds are to come; its key.

        `adopt` is the key of an unfinished result that a run now dead left behind: this run goes
        on with it, unless another one did so first.
        """
        with self._database.writing() as connection:
            if adopt is not None and _adopted(connection, run, adopt):
                return adopt
            _note(connection, cell)
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

    def save_round(self, result: int, run: Run, one: Round) -> None:
        """Keep a round, with every sample."""
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

    def rounds_of(self, result: int) -> list[Round]:
        """A result's rounds so far, in order."""
        with self._database.reading() as connection:
            return list(load_rounds(connection, [result], samples=True).get(result, ()))

    def close_result(
        self,
        result: int,
        status: Status,
        reason: str = "",
        detail: str = "",
        stop_rule: StopRule | None = None,
        metrics: Mapping[str, Estimate] | None = None,
    ) -> None:
        """Say what became of the cell."""
        values = {
            "status": status.value,
            "reason": reason,
            "detail": detail,
            "stop_rule": stop_rule.value if stop_rule else None,
        }
        with self._database.writing() as connection:
            connection.execute(update(ResultRow).where(ResultRow.id == result).values(values))
            if metrics:
                connection.execute(insert(MetricRow), metric_values(result, metrics))

    def durations(self, host: Host) -> dict[str, Took]:
        """By cell, what its rounds took on such a host, and how many a result had at most."""
        each = (
            select(
                ResultRow.cell,
                func.sum(RoundRow.seconds).label("seconds"),
                func.count().label("rounds"),
            )
            .join(RoundRow, RoundRow.result == ResultRow.id)
            .join(RunRow, RunRow.id == RoundRow.run)
            .where(RunRow.host == host.fingerprint)
            .group_by(ResultRow.id)
            .subquery()
        )
        mean = func.sum(each.c.seconds) / func.sum(each.c.rounds)
        query = select(each.c.cell, mean, func.max(each.c.rounds)).group_by(each.c.cell)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return {cell: Took(float(seconds), rounds) for cell, seconds, rounds in rows}

    def save_selfcheck(self, host: Host, environment: Environment, check: SelfCheck) -> None:
        """Keep what a self-check said."""
        figures = {one.name: getattr(check, one.name) for one in fields(check)}
        with self._database.writing() as connection:
            _know(connection, host)
            _note(connection, check.cell)
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

    def selfchecks(self) -> list[tuple[Host, SelfCheck]]:
        """The newest of each kind of machine and cell."""
        with self._database.reading() as connection:
            return load_selfchecks(connection)

    def results(self, *, newest_only: bool = True, samples: bool = False) -> list[Result]:
        """Results, newest first: of each cell and host the newest, or all.

        Rounds come with their samples if asked, else without.
        """
        with self._database.reading() as connection:
            return load_results(connection, newest_only=newest_only, samples=samples)

    def save_ceilings(
        self, host: Host, environment: Environment, hardware: str, found: Sequence[Ceiling]
    ) -> None:
        """Keep what the hardware can do at best, in place of limits of the same name and kind."""
        if found:
            with self._database.writing() as connection:
                _know(connection, host)
                save_ceilings(connection, host, environment, hardware, found)

    def ceilings(self, host: Host, environment: Environment, hardware: str) -> tuple[Ceiling, ...]:
        """What the hardware, by its label, can do at best, as far as it is known."""
        with self._database.reading() as connection:
            return load_ceilings(connection, host, environment, hardware)

    def all_ceilings(self) -> tuple[Ceilings, ...]:
        """Of every host, environment and hardware; those saved last come first."""
        with self._database.reading() as connection:
            return load_all_ceilings(connection)


def _know(connection: Connection, host: Host) -> None:
    values = {"fingerprint": host.fingerprint, "content": host.to_json()}
    connection.execute(upsert(HostRow).values(values).on_conflict_do_nothing())


def _note(connection: Connection, cell: Cell) -> None:
    values = {"id": cell.id, "content": cell.to_json(), "label": str(cell)}
    connection.execute(upsert(CellRow).values(values).on_conflict_do_nothing())


def _adopted(connection: Connection, run: Run, result: int) -> bool:
    """Whether the unfinished result now is this run's."""
    owner = select(ResultRow.run).where(ResultRow.id == result).scalar_subquery()
    ours = (
        update(ResultRow)
        .where(
            ResultRow.id == result,
            ResultRow.status == Status.MEASURING.value,
            # The owner a run that began later: it adopted the result first.
            owner < run.id,
        )
        .values(run=run.id)
    )
    return connection.execute(ours).rowcount == 1
