"""The database file is created, protected, shared between runs, and refused if unusable."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread, Timer
from typing import Any

import pytest
from sqlalchemy import text

from harness.domain.cell import Cell
from harness.domain.location import Location
from harness.domain.result import Round
from harness.domain.run import Run
from harness.errors import StoreError
from harness.store import Store

MakeCell = Callable[..., Cell]
MakeRun = Callable[..., Run]
MakeRound = Callable[..., Round]


def query(path: Path, statement: str) -> Any:
    """Runs the statement on a separate connection; the first value of the answer."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(statement).fetchone()
        connection.commit()
    return row[0] if row else None


def test_the_file_and_its_folder_are_created(store: Store, path: Path) -> None:
    assert path.is_file()


def test_opening_an_up_to_date_file_changes_no_table(path: Path) -> None:
    with Store(Location.file(path)):
        pass
    layout = query(path, "SELECT group_concat(sql) FROM sqlite_master")
    with Store(Location.file(path)):
        pass
    assert layout == query(path, "SELECT group_concat(sql) FROM sqlite_master")


@pytest.mark.parametrize(
    ("pragma", "value"), [("foreign_keys", 1), ("journal_mode", "wal"), ("busy_timeout", 30_000)]
)
def test_every_connection_is_set_up(store: Store, pragma: str, value: object) -> None:
    """SQLite forgets most settings when a connection closes."""
    for _ in range(2):
        with store._database.reading() as connection:
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == value


def test_a_round_without_a_result_is_refused(
    store: Store, make_run: MakeRun, make_round: MakeRound
) -> None:
    """Foreign keys are enforced."""
    run = store.begin(make_run())
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.save_round(12345, run, make_round())


def test_a_failed_write_leaves_nothing_behind(
    store: Store, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound
) -> None:
    """The round is written first, but rolled back if its facts cannot be written."""
    run = store.begin(make_run())
    key = store.open_result(run, make_cell(), None, None)
    with pytest.raises(StoreError, match="NOT NULL"):
        store.save_round(key, run, make_round(facts={"broken": None}))
    assert store.rounds_of(key) == []


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("\\documentclass{article}" * 100)
    with pytest.raises(StoreError, match=r"thesis\.tex: is not a SQLite database; .* --db"):
        Store(Location.file(thesis))
    assert thesis.read_text() == "\\documentclass{article}" * 100


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(Location.file(tmp_path))


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("mine")
    with pytest.raises(StoreError, match="cannot make the folder"):
        Store(Location.file(tmp_path / "results" / "harness.db"))


def test_two_runs_may_write_to_one_file_at_once(
    path: Path, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound
) -> None:
    """Nothing is lost and neither run is refused, even while both create the file."""
    together, failed = Barrier(2), []

    def write(batch: int) -> None:
        try:
            together.wait()
            with Store(Location.file(path)) as store:
                run = store.begin(make_run())
                for prompt in range(15):
                    cell = make_cell(workload=(("batch", batch), ("prompt", prompt)))
                    key = store.open_result(run, cell, None, adopt=None)
                    store.save_round(key, run, make_round())
                    assert store.rounds_of(key) == [make_round()]
                store.finish(run)
        except Exception as error:  # noqa: BLE001 - the test asserts below that there is none
            failed.append(error)

    threads = [Thread(target=write, args=(batch,)) for batch in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with Store(Location.file(path)) as store:
        results = store.results()
    assert len(results) == 30
    assert all(result.rounds == (make_round(samples=(), scores=()),) for result in results)


def test_a_writer_waits_for_another_even_without_a_log(path: Path) -> None:
    """SQLite itself would refuse it at once, such as when several runs create the file."""
    with Store(Location.file(path)):
        pass
    query(path, "PRAGMA journal_mode = DELETE")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        ends = Timer(0.3, other.execute, ["COMMIT"])
        ends.start()
        with Store(Location.file(path)):
            pass
        ends.join()
    assert query(path, "PRAGMA journal_mode") == "wal"


def test_a_reader_sees_one_moment_while_another_writes(
    store: Store, path: Path, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Neither waits for the other."""
    count = text("SELECT count(*) FROM result")
    run = store.begin(make_run())
    with Store(Location.file(path)) as other, other._database.reading() as connection:
        assert connection.execute(count).scalar_one() == 0
        store.open_result(run, make_cell(), None, adopt=None)
        assert connection.execute(count).scalar_one() == 0
    with store._database.reading() as connection:
        assert connection.execute(count).scalar_one() == 1
