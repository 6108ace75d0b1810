"""`--db` names a file or a URL; what is no database of results is refused and left alone."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

FIRST_LAYOUT = Path(__file__).parents[1] / "unit" / "store" / "layouts" / "1_first.sql"

# Too large for any host that tests run on: a run keeps that it skipped the cell, and is done.
SPEC = """\
# What does a run keep that can measure nothing?
name: nothing
matrix:
  model: [gpt3-175b]
  scenario: [prefill]
workload: {batch: [1], prompt: 16}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    """A spec of one cell, which is skipped."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    return "spec.yaml"


@pytest.mark.parametrize("command", ["show", "site", "doctor", "plan", "run"])
def test_another_programs_database_is_refused_and_left_alone(
    harness: Harness, tmp_path: Path, spec: str, command: str
) -> None:
    """Reading or writing; exit code 2."""
    foreign = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE moz_places (id)")
        connection.commit()
    before = foreign.read_bytes()
    specs = [spec] if command in {"plan", "run"} else []
    answer = harness(command, *specs, "--db", "places.sqlite")
    assert answer.code == 2
    assert answer.err.startswith("error: places.sqlite: is another program's database")
    assert foreign.read_bytes() == before


@pytest.mark.parametrize("name", ["a?b.sqlite", "a%41b.sqlite", "file:c.sqlite?mode=memory"])
def test_a_path_is_taken_literally(harness: Harness, tmp_path: Path, spec: str, name: str) -> None:
    """What is kept there is shown from there."""
    assert harness("run", spec, "--db", name).code == 0
    made = {file.name for file in tmp_path.iterdir()} - {spec, "cache"}
    assert {one.removesuffix("-wal").removesuffix("-shm") for one in made} == {name}
    (result,) = harness("show", "--db", name, "--format", "json").json["results"]
    assert result["status"] == "skipped"


@pytest.mark.parametrize("url", ["sqlite:///deep/kept.sqlite", "sqlite:///{folder}/kept.sqlite"])
def test_db_takes_a_url(harness: Harness, tmp_path: Path, spec: str, url: str) -> None:
    """Relative with three slashes, absolute with four; a path finds the same file."""
    url = url.format(folder=tmp_path)
    ran = harness("run", spec, "--db", url)
    assert ran.code == 0
    assert f"`harness show --db {url}`" in ran.out
    (path,) = tmp_path.rglob("kept.sqlite")
    for where in (url, str(path)):
        (result,) = harness("show", "--db", where, "--format", "json").json["results"]
        assert result["status"] == "skipped"


@pytest.mark.parametrize("command", ["show", "site", "doctor", "plan", "run", "ceiling"])
def test_the_url_of_another_dialect_is_refused(harness: Harness, spec: str, command: str) -> None:
    """Before anything is measured; the message says what is possible."""
    specs = [spec] if command in {"plan", "run"} else []
    answer = harness(command, *specs, "--db", "postgresql://localhost/results")
    assert answer.code == 2
    told = (
        "error: postgresql://localhost/results: unknown database dialect 'postgresql' (possible: "
    )
    assert answer.err.startswith(
        told + "sqlite); a module such as harness/store/sqlite can add a dialect"
    )


def test_an_outside_package_adds_a_dialect(
    harness: Harness, tmp_path: Path, env: dict[str, str], outside_package: Path, spec: str
) -> None:
    """One file: tests/plugins/outside/outside_database.py."""
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(outside_package), env.get("PYTHONPATH"))))
    assert harness("show", "--db", "shelf://top").out == ""
    assert harness("run", spec, "--db", "shelf://top").code == 0
    assert (tmp_path / "top.shelf").is_file()
    (result,) = harness("show", "--db", "shelf://top", "--format", "json").json["results"]
    assert result["status"] == "skipped"
    assert harness("plan", spec, "--db", "shelf://top").code == 0


def test_a_database_from_before_revisions_is_read_and_brought_up_to_date(
    harness: Harness, tmp_path: Path, spec: str
) -> None:
    """`show` leaves it as it is, `run` changes it, and the result is the same."""
    db = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(db)) as connection:
        connection.executescript(FIRST_LAYOUT.read_text())
    before = db.read_bytes()
    (shown,) = harness("show", "--db", "old.sqlite", "--format", "json").json["results"]
    assert db.read_bytes() == before
    assert harness("run", spec, "--db", "old.sqlite").code == 0
    assert db.read_bytes() != before
    assert shown in harness("show", "--db", "old.sqlite", "--format", "json").json["results"]


def test_a_run_into_memory_is_refused(harness: Harness, spec: str) -> None:
    """It would keep nothing."""
    answer = harness("run", spec, "--db", ":memory:")
    assert answer.code == 2
    assert answer.err == "error: :memory:: would keep nothing; name a file with --db\n"


def test_a_row_that_cannot_be_is_told_by_table_and_key(
    harness: Harness, tmp_path: Path, spec: str
) -> None:
    """No traceback; exit code 2."""
    assert harness("run", spec).code == 0
    with closing(sqlite3.connect(tmp_path / "results" / "harness.sqlite")) as connection:
        connection.execute("UPDATE run SET started = 'yesterday'")
        connection.commit()
    answer = harness("show")
    assert answer.code == 2
    told = "error: results/harness.sqlite: row 1 of table run cannot be read: "
    assert answer.err.startswith(told)
    assert len(answer.err.splitlines()) == 1
