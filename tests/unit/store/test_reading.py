"""Reading changes neither the database nor its folder, and does not disturb writers."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from harness.domain.cell import Cell
from harness.domain.location import Location
from harness.domain.result import Round, Status
from harness.domain.run import Host, Run
from harness.errors import StoreError
from harness.store import Store, StoreReader

MakeCell = Callable[..., Cell]
MakeRun = Callable[..., Run]
MakeRound = Callable[..., Round]


@pytest.fixture
def kept(path: Path, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound) -> Path:
    """A database with one result, closed."""
    with Store(Location.file(path)) as store:
        run = store.begin(make_run())
        key = store.open_result(run, make_cell(), None, adopt=None)
        store.save_round(key, run, make_round())
        store.close_result(key, Status.OK)
    return path


def query(path: Path, statement: str) -> object:
    """Runs the statement on a separate connection; the first value of the answer."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(statement).fetchone()
        connection.commit()
    return row[0] if row else None


def statuses(path: Path) -> list[Status]:
    with StoreReader(Location.file(path)) as reader:
        return [one.status for one in reader.results(newest_only=False)]


def test_a_missing_database_counts_as_empty_and_is_not_created(path: Path, host: Host) -> None:
    with StoreReader(Location.file(path)) as reader:
        assert reader.results() == []
        assert reader.selfchecks() == []
        assert reader.all_ceilings() == ()
        assert reader.durations(host) == {}
    assert not path.parent.exists()


def test_an_empty_file_counts_as_empty_and_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    assert statuses(tmp_path / "empty.sqlite") == []
    assert (tmp_path / "empty.sqlite").read_bytes() == b""


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_reading_does_not_change_the_file(kept: Path, journal: str) -> None:
    """Nor its journal mode."""
    query(kept, f"PRAGMA journal_mode = {journal}")
    before = kept.read_bytes()
    assert statuses(kept) == [Status.OK]
    assert kept.read_bytes() == before
    assert query(kept, "PRAGMA journal_mode") == journal


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_reader_does_not_wait_for_a_writer(kept: Path, lock: str) -> None:
    """If it asked for the lock, it would be refused after a time-out."""
    with closing(sqlite3.connect(kept, isolation_level=None)) as writer:
        writer.execute(f"BEGIN {lock}")
        writer.execute("DELETE FROM result")
        assert statuses(kept) == [Status.OK]


def test_a_reader_cannot_write(kept: Path) -> None:
    with (
        StoreReader(Location.file(kept)) as reader,
        pytest.raises(StoreError, match="is read-only"),
        reader._database.reading() as connection,
    ):
        connection.execute(text("DELETE FROM result"))


@pytest.fixture
def read_only_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the operating system report every folder as read-only."""
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)


@pytest.mark.usefixtures("read_only_folder")
def test_in_a_read_only_folder_no_file_is_created_beside_the_database(kept: Path) -> None:
    """SQLite keeps a log and an index beside a file that may change, even for a reader."""
    assert statuses(kept) == [Status.OK]
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.usefixtures("read_only_folder")
def test_in_a_read_only_folder_the_log_is_read_too(
    kept: Path, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """It holds what a live or killed writer has not yet moved into the file."""
    with Store(Location.file(kept)) as store:
        store.open_result(store.begin(make_run()), make_cell(), None, adopt=None)
        assert sorted(statuses(kept)) == [Status.MEASURING, Status.OK]


@pytest.mark.skipif(os.geteuid() == 0, reason="no folder is read-only to root")
def test_a_read_only_file_in_a_read_only_folder_is_read(kept: Path) -> None:
    kept.chmod(0o444)
    kept.parent.chmod(0o555)
    try:
        assert statuses(kept) == [Status.OK]
    finally:
        kept.parent.chmod(0o755)
