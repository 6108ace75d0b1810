"""Databases with any earlier layout are brought up to date, and keep their content."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from harness.domain.location import Location
from harness.domain.result import Status
from harness.errors import StoreError
from harness.store import Store, StoreReader, migrations
from harness.store.migrations import HEAD, REVISIONS

# `iterdump` of databases that earlier versions of the harness made, named by their layout number
# (before Alembic) or by their revision.
LAYOUTS = sorted((Path(__file__).parent / "layouts").glob("*.sql"))
LAYOUT_OF = {layout.stem: layout for layout in LAYOUTS}


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database with an earlier layout."""
    return made(tmp_path / "old.sqlite", request.param)


def made(path: Path, layout: Path) -> Path:
    """A database with this layout, in write-ahead-log mode as all of them were."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(layout.read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    return path


def content(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {
            name: [
                dict(row)
                for row in connection.execute(f"SELECT * FROM {name} ORDER BY rowid")  # noqa: S608
            ]
            for name in names
        }


def test_every_revision_has_a_sample_database() -> None:
    """A new revision comes with a database that the code of that revision made."""
    revisions = {file.stem.split("_")[0] for file in (REVISIONS / "versions").glob("r*.py")}
    assert revisions <= {layout.stem for layout in LAYOUTS}


def test_a_writer_brings_an_old_database_up_to_date_and_keeps_every_value(old: Path) -> None:
    """Except that specs of the first layout gain fields, and that a figure is renamed."""
    before = content(old)
    before.pop("alembic_version", None)
    with Store(Location.file(old)):
        pass
    after = content(old)
    assert after.pop("alembic_version") == [{"version_num": HEAD}]
    for table, rows in before.items():
        kept = [{name: row[name] for name in rows[0]} for row in after[table]] if rows else []
        for was, now in zip(rows, kept, strict=True):
            was.pop("specs", None), now.pop("specs", None)
            if was.get("name") == "straggling":
                was["name"] = "load_imbalance"
            assert was == now, table


def test_straggling_becomes_load_imbalance_and_keeps_its_values(tmp_path: Path) -> None:
    """As a fact, as a round's metric and as a result's metric; for a reader and for a writer."""
    old = made(tmp_path / "old.sqlite", LAYOUT_OF["r0001_split"])
    for opener in (StoreReader, Store):
        with opener(Location.file(old)) as store:
            (result,) = store.results(newest_only=False, samples=True)
        shares = [0.0897138802622560460608, 0.0852309090582779732558]
        assert [one.facts["load_imbalance"] for one in result.rounds] == shares
        assert [one.values["load_imbalance"] for one in result.rounds] == shares
        assert result.metrics["load_imbalance"].value == 0.087443670839561546404
        named = {*result.metrics, *(name for one in result.rounds for name in one.facts)}
        assert "straggling" not in named
    assert "straggling" not in str(content(old))


def test_an_old_database_reads_the_same_before_and_after(old: Path) -> None:
    """A reader does not change the file."""
    before = old.read_bytes()
    with StoreReader(Location.file(old)) as reader:
        found = reader.results(newest_only=False, samples=True)
        others = reader.selfchecks(), reader.all_ceilings()
    assert old.read_bytes() == before
    (result,) = found
    assert result.status is Status.OK
    assert all(len(one.samples) >= 3 for one in result.rounds)
    assert [asked.name for asked in result.run.specs.values()] in (["small"], ["spec"])
    with Store(Location.file(old)) as store:
        assert store.results(newest_only=False, samples=True) == found
        assert (store.selfchecks(), store.all_ceilings()) == others


@pytest.mark.parametrize("layout", ["1_ceilings", "2_documents", "2_marked", "r0001"])
def test_ceilings_stay_in_the_order_they_were_saved_in(tmp_path: Path, layout: str) -> None:
    """In older files, this is the order of SQLite's row ids."""
    file = made(tmp_path / "old.sqlite", LAYOUT_OF[layout])
    names = [row["name"] for row in content(file)["ceiling"]]
    with Store(Location.file(file)) as store:
        (found,) = store.all_ceilings()
    assert [one.name for one in found.found] == names


def test_a_writer_adds_to_an_old_database(old: Path) -> None:
    """Once up to date, every table takes what the current code writes."""
    with Store(Location.file(old)) as store:
        (result,) = store.results(newest_only=False, samples=True)
        run = store.begin(result.run)
        key = store.open_result(run, result.cell, None, None)
        store.save_round(key, run, result.rounds[0])
        assert store.rounds_of(key) == [result.rounds[0]]


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_reader_of_an_old_file_does_not_wait_for_a_writer(old: Path, lock: str) -> None:
    with closing(sqlite3.connect(old, isolation_level=None)) as writer:
        writer.execute(f"BEGIN {lock}")
        writer.execute("DELETE FROM sample")
        with StoreReader(Location.file(old)) as reader:
            assert reader.results(samples=True)[0].rounds[0].samples


# A revision that fails halfway ----------------------------------------------------------------

NEXT = """\
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "{head}"

def upgrade() -> None:
    {body}
"""
HALF = (
    "op.create_table('season', sa.Column('id', sa.Integer(), primary_key=True));"
    " op.execute('DELETE FROM sample')"
)


@pytest.fixture
def revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the revisions that replaces the harness's own, so that a test can add one."""
    copy = tmp_path / "100% revisions"
    shutil.copytree(REVISIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "REVISIONS", copy)
    monkeypatch.setattr(migrations, "HEAD", "9999")
    return copy


def add(revisions: Path, body: str) -> None:
    """Adds revision 9999 with this body."""
    (revisions / "versions" / "r9999_next.py").write_text(NEXT.format(head=HEAD, body=body))


def test_a_revision_that_raises_leaves_the_file_as_it_was(old: Path, revisions: Path) -> None:
    """There is no new table, no row is lost, and the next attempt applies all of the revision."""
    before = content(old)
    add(revisions, f"{HALF}; raise ValueError('no')")
    with pytest.raises(ValueError, match="no"):
        Store(Location.file(old))
    assert content(old) == before
    add(revisions, HALF)
    with Store(Location.file(old)):
        pass
    after = content(old)
    assert (after["season"], after["sample"]) == ([], [])
    assert after["alembic_version"] == [{"version_num": "9999"}]


@pytest.mark.parametrize("layout", ["1_first", "r0001", "r0002", "r0003"])
def test_a_process_killed_during_a_revision_leaves_the_file_as_it_was(
    tmp_path: Path, revisions: Path, layout: str
) -> None:
    old = made(tmp_path / "old.sqlite", LAYOUT_OF[layout])
    before = content(old)
    add(revisions, f"{HALF}; import os; os.kill(os.getpid(), 9)")
    command = [sys.executable, "-c", OPEN, str(revisions), str(old)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert content(old) == before


OPEN = """\
import sys
from pathlib import Path
from harness.domain.location import Location
from harness.store import Store, migrations
migrations.HEAD, migrations.REVISIONS = "9999", Path(sys.argv[1])
Store(Location.file(Path(sys.argv[2])))
"""


def test_a_revision_that_replaces_a_table_keeps_the_rows_that_refer_to_it(
    old: Path, revisions: Path
) -> None:
    """It drops the old table: with foreign keys on, this would delete the rounds' samples."""
    before = content(old)
    add(
        revisions,
        "with op.batch_alter_table('round', recreate='always') as table: table.alter_column('seconds', nullable=True)",
    )
    with Store(Location.file(old)):
        pass
    assert content(old)["sample"] == before["sample"] != []


def test_only_an_outdated_database_loads_alembic(tmp_path: Path) -> None:
    """Importing Alembic takes as long as everything else in `harness show`."""
    path = tmp_path / "new.sqlite"
    with Store(Location.file(path)):
        pass
    script = (
        "import sys; from pathlib import Path; from harness.domain.location import Location\n"
        "from harness.store import Store, StoreReader\n"
        f"for opener, name in ((StoreReader, 'none'), (StoreReader, {str(path)!r}), (Store, {str(path)!r})):\n"
        "    with opener(Location.file(Path(name))): pass\n"
        "print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", script]
    assert subprocess.check_output(command, text=True) == "False\n"


def test_a_database_without_a_revision_gets_them_all() -> None:
    """Every dialect calls bring_up_to_date, on a connection with an open transaction."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        assert not migrations.is_current(connection)
        migrations.bring_up_to_date(connection)
        assert migrations.revision_of(connection) == HEAD


def test_a_refusal_names_the_file(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"old\.sqlite: (is another program's|was written by a n)"):
        StoreReader(Location.file(old))
