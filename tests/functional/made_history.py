"""Made-up results of several commits."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Round, Sample, Score, Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.store import Store

OLD = datetime.now(UTC) - timedelta(days=400)


def measured(when: datetime) -> Round:
    """A round with three samples and a document."""
    samples = (Sample("latency", 0.3, warmup=True), *[Sample("latency", 0.1)] * 2)
    scores = (Score(10, 12, 1.0, 1.0, 0.0, 10),)
    return Round(
        0, Status.OK, samples=samples, scores=scores, started=when, values={"latency": 0.1}
    )


def fill(path: Path, host: Host, cell: Cell, days: list[int], pid: int = 1) -> list[int]:
    """A result of the cell for each commit, that many days after OLD; the keys of their rounds."""
    rounds = []
    with Store(Location.file(path)) as store:
        for day in days:
            when = OLD + timedelta(days=day)
            commit = Commit(f"{day:040x}", "main", when, f"=Change {day}")
            environment = Environment({"torch": "2.13.0"})
            run = store.begin(Run(commit, host, environment, when, seed=0, pid=pid))
            key = store.open_result(run, cell, None, adopt=None)
            rounds.append(store.save_round(key, run, measured(when)))
            latency = Estimate(0.1, 0.09, 0.11, "s", Direction.LOWER, 1, 2)
            store.close_result(key, Status.OK, metrics={"latency": latency})
            failed = store.open_result(run, replace_backend(cell), None, adopt=None)
            store.close_result(failed, Status.UNSUPPORTED, "needs a GPU")
            store.finish(run)
    return rounds


def replace_backend(cell: Cell) -> Cell:
    """The cell on another backend."""
    return cell.replace(backend=Choice("compile"))


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
