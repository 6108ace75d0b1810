"""Only the harness's own files are opened, and any file name is taken literally."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.location import Location
from harness.domain.run import Environment, Host
from harness.errors import StoreError, UsageError
from harness.store import Store, StoreReader, files
from harness.store.migrations import HEAD
from harness.store.sqlite.before_alembic import APPLICATION_ID

LAYOUTS = Path(__file__).parent / "layouts"

Opener = Callable[[Location], StoreReader]


def query(path: Path, *statements: str) -> object:
    """Runs the statements on a separate connection; the first value of the last answer."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            row = connection.execute(statement).fetchone()
        connection.commit()
    return row[0] if row else None


@pytest.fixture(params=[Store, StoreReader])
def opener(request: pytest.FixtureRequest) -> Opener:
    """The class that opens a database, to write or to read."""
    opened: Opener = request.param
    return opened


@pytest.fixture
def kept(path: Path) -> Path:
    """A database of the harness, closed."""
    with Store(Location.file(path)):
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
        ("CREATE TABLE alembic_version (version_num)", "PRAGMA user_version = 3"),
    ],
    ids=[
        *("tables", "its own layout number", "a log", "some of our table names"),
        *("application id", "higher layout number", "uses Alembic"),
    ],
)
def test_another_programs_database_is_refused_and_left_alone(
    tmp_path: Path, opener: Opener, statements: tuple[str, ...]
) -> None:
    """For reading and for writing; not a byte changes."""
    foreign = tmp_path / "places.sqlite"
    query(foreign, *statements)
    before = foreign.read_bytes()
    message = r"places\.sqlite: is another program's database; name another file with --db"
    with pytest.raises(StoreError, match=message):
        opener(Location.file(foreign))
    assert foreign.read_bytes() == before


def test_a_database_with_another_programs_application_id_is_refused(
    kept: Path, opener: Opener
) -> None:
    """The application id decides, not the tables."""
    query(kept, "PRAGMA application_id = 7")
    with pytest.raises(StoreError, match="another program's"):
        opener(Location.file(kept))


def test_a_new_database_has_our_application_id(kept: Path) -> None:
    assert query(kept, "PRAGMA application_id") == APPLICATION_ID


def test_a_new_database_is_at_the_newest_revision(kept: Path) -> None:
    assert query(kept, "SELECT version_num FROM alembic_version") == HEAD


def test_versions_before_revisions_take_the_file_for_a_newer_one(kept: Path) -> None:
    """They know layout numbers up to 2, and refuse a higher number."""
    assert query(kept, "PRAGMA user_version") == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("PRAGMA user_version = 99", r"layout 99; this version knows 3"),
        ("UPDATE alembic_version SET version_num = '9999'", rf"revision 9999; .* knows {HEAD}"),
    ],
)
def test_the_file_of_a_newer_harness_is_refused_and_left_alone(
    kept: Path, opener: Opener, change: str, message: str
) -> None:
    query(kept, change)
    before = kept.read_bytes()
    with pytest.raises(
        StoreError, match=rf"harness\.db: was written by a newer harness \({message}"
    ):
        opener(Location.file(kept))
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        (("DROP TABLE ceiling",), "lacks the table ceiling"),
        (("DROP TABLE ceiling", "DROP TABLE round_metric"), "lacks the tables ceiling, round_m"),
        (
            ("ALTER TABLE round DROP COLUMN notes", "ALTER TABLE run DROP COLUMN command"),
            r"lacks the columns round\.notes, run\.command",
        ),
        (("DROP TABLE alembic_version",), "lacks its revision"),
        (("DELETE FROM alembic_version",), "lacks its revision"),
        (("UPDATE alembic_version SET version_num = X'00'",), "lacks its revision"),
        (("PRAGMA user_version = 2",), f"has layout 2, but revision {HEAD}"),
        (("UPDATE alembic_version SET version_num = 'x'", "PRAGMA user_version = 1"), "has la"),
    ],
)
def test_a_database_that_lacks_what_its_revision_has_is_refused_and_left_alone(
    kept: Path, opener: Opener, lost: tuple[str, ...], message: str
) -> None:
    """It was complete when it got harness's application id."""
    query(kept, *lost)
    before = kept.read_bytes()
    with pytest.raises(StoreError, match=rf"harness\.db: ({message})"):
        opener(Location.file(kept))
    assert kept.read_bytes() == before


def test_a_file_from_before_revisions_that_lacks_a_table_is_refused(
    tmp_path: Path, opener: Opener
) -> None:
    """If it has harness's application id, it once had all the tables."""
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((LAYOUTS / "2_marked.sql").read_text())
        connection.execute("DROP TABLE selfcheck")
        connection.execute("PRAGMA journal_mode = WAL")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"old\.sqlite: lacks the table selfcheck: it is damaged"):
        opener(Location.file(path))
    assert path.read_bytes() == before


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
def test_a_file_name_is_taken_literally(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No part of a path has a special meaning to SQLite."""
    monkeypatch.chdir(tmp_path)
    with Store(Location.file(Path(name))):
        pass
    with StoreReader(Location.file(Path(name))) as reader:
        assert reader.results() == []
    made = [file.name.removesuffix("-wal").removesuffix("-shm") for file in tmp_path.iterdir()]
    assert set(made) == {name}


def test_writing_to_a_database_in_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=":memory:: would keep nothing; name a file with --db"):
        Store(Location.file(Path(":memory:")))
    with StoreReader(Location.file(Path(":memory:"))) as reader:
        assert reader.results() == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///kept.sqlite", "kept.sqlite"),
        ("sqlite:///deep/kept.sqlite", "deep/kept.sqlite"),
        ("sqlite+pysqlite:///kept.sqlite", "kept.sqlite"),
        ("SQLite:///kept.sqlite", "kept.sqlite"),
    ],
)
def test_a_url_names_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Host, url: str, name: str
) -> None:
    """It is relative to the working directory, and names the same file as the path."""
    monkeypatch.chdir(tmp_path)
    check = Ceiling("gemm_fp32", 1.0, "FLOP/s", CeilingKind.MEASURED, "kernel")
    with Store(Location(url)) as store:
        store.save_ceilings(host, Environment({}), "local", [check])
    assert files(Location(url)) == (Path(name),)
    with StoreReader(Location.file(Path(name))) as reader:
        assert len(reader.all_ceilings()) == 1


def test_a_url_with_four_slashes_names_an_absolute_path(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kept.sqlite"
    assert url.startswith("sqlite:////")
    with Store(Location(url)):
        pass
    assert (tmp_path / "kept.sqlite").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite://kept.sqlite",
        "sqlite:///kept.sqlite?mode=ro",
        "sqlite+aiosqlite:///kept.sqlite",
        "sqlite://user:word@/kept.sqlite",
        "sqlite://host:port/kept.sqlite",
    ],
)
def test_a_url_that_does_not_name_just_a_file_is_refused(opener: Opener, url: str) -> None:
    with pytest.raises(UsageError, match=rf"^{re.escape(url)}: "):
        opener(Location(url))


def test_the_url_of_an_unknown_dialect_is_refused_with_the_known_ones(opener: Opener) -> None:
    message = (
        "^postgresql://localhost/x: unknown database dialect 'postgresql' .possible: sqlite.; "
    )
    with pytest.raises(
        UsageError, match=message + "a module such as harness/store/sqlite can add a dialect"
    ):
        opener(Location("postgresql://localhost/x"))
