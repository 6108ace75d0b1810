"""Only a file that is ours is opened; the file's name is taken as it is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import StoreError, UsageError
from harness.store import Store, StoreReader
from harness.store.layout import APPLICATION_ID

Opener = Callable[[Path], StoreReader]


def ask(path: Path, *statements: str) -> object:
    """The first value of the last answer, by a connection of our own."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            row = connection.execute(statement).fetchone()
        connection.commit()
    return row[0] if row else None


@pytest.fixture(params=[Store, StoreReader])
def opener(request: pytest.FixtureRequest) -> Opener:
    """What opens a database, to write to it or to read it."""
    opened: Opener = request.param
    return opened


@pytest.fixture
def kept(path: Path) -> Path:
    """A database of ours, closed."""
    with Store(path):
        pass
    return path


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE moz_places (id)",),
        ("CREATE TABLE moz_places (id)", "PRAGMA user_version = 2"),
        ("PRAGMA journal_mode = WAL", "CREATE TABLE moz_places (id)"),
        ("CREATE TABLE host (id)", "CREATE TABLE run (id)", "PRAGMA user_version = 1"),
        ("PRAGMA application_id = 7",),
        ("PRAGMA user_version = 7",),
    ],
    ids=["tables", "a layout of its own", "a log", "some names of ours", "stamped", "numbered"],
)
def test_another_programs_database_is_refused_and_left_alone(
    tmp_path: Path, opener: Opener, statements: tuple[str, ...]
) -> None:
    """Whatever the command; to the byte."""
    foreign = tmp_path / "places.sqlite"
    ask(foreign, *statements)
    before = foreign.read_bytes()
    told = r"places\.sqlite: is another program's database; name another file with --db"
    with pytest.raises(StoreError, match=told):
        opener(foreign)
    assert foreign.read_bytes() == before


def test_a_copy_of_ours_that_another_program_made_its_own_is_refused(
    kept: Path, opener: Opener
) -> None:
    """The stamp decides, not the tables."""
    ask(kept, "PRAGMA application_id = 7")
    with pytest.raises(StoreError, match="another program's"):
        opener(kept)


def test_a_new_database_bears_our_stamp(kept: Path) -> None:
    assert ask(kept, "PRAGMA application_id") == APPLICATION_ID


@pytest.mark.parametrize("layout", [1, 2])
def test_a_database_made_before_there_was_a_stamp_is_stamped_by_a_writer(
    kept: Path, layout: int
) -> None:
    """A reader only reads it."""
    ask(kept, f"PRAGMA user_version = {layout}", "PRAGMA application_id = 0")
    with StoreReader(kept) as reader:
        assert reader.results() == []
    assert ask(kept, "PRAGMA application_id") == 0
    with Store(kept):
        pass
    assert ask(kept, "PRAGMA application_id") == APPLICATION_ID


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        (("DROP TABLE ceiling",), "lacks the table ceiling"),
        (("DROP TABLE ceiling", "DROP TABLE round_metric"), "lacks the tables ceiling, round_m"),
        (
            ("ALTER TABLE round DROP COLUMN notes", "ALTER TABLE run DROP COLUMN command"),
            r"lacks the columns round\.notes, run\.command",
        ),
        (("DROP TABLE selfcheck", "PRAGMA user_version = 1"), "lacks the table selfcheck"),
    ],
    ids=["table", "tables", "columns", "an older layout"],
)
def test_a_database_that_lacks_what_its_layout_has_is_refused_and_left_alone(
    kept: Path, opener: Opener, lost: tuple[str, ...], told: str
) -> None:
    """As an early version of harness wrote it, before layouts were told apart."""
    ask(kept, *lost, "PRAGMA application_id = 0")
    before = kept.read_bytes()
    with pytest.raises(StoreError, match=rf"harness\.db: {told}.*; move the file away"):
        opener(kept)
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "a?b.sqlite",
        "a%41b.sqlite",
        "a#b.sqlite",
        "a b&mode=memory.sqlite",
        "file:here.sqlite",
        "file::memory:?cache=shared",
        "sqlite:",
        os.fsdecode(b"caf\xe9.sqlite"),
    ],
)
def test_the_files_name_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is no URL."""
    monkeypatch.chdir(tmp_path)
    with Store(Path(name)):
        pass
    with StoreReader(Path(name)) as reader:
        assert reader.results() == []
    made = [file.name.removesuffix("-wal").removesuffix("-shm") for file in tmp_path.iterdir()]
    assert set(made) == {name}


def test_a_database_in_memory_is_no_place_to_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=":memory:: would keep nothing; name a file with --db"):
        Store(Path(":memory:"))
    with StoreReader(Path(":memory:")) as reader:
        assert reader.results() == []
