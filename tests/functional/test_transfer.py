"""Results move out to files and in from elsewhere, once and whole."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.domain.cell import Cell
from harness.domain.run import Host
from tests.functional.made_history import count, fill

if TYPE_CHECKING:
    from tests.conftest import Harness

LAYOUTS = Path(__file__).parents[1] / "unit" / "store" / "layouts"
MakeCell = Callable[..., Cell]


@pytest.fixture
def db(tmp_path: Path, host: Host, make_cell: MakeCell) -> Path:
    """Three commits in the default database."""
    path = tmp_path / "results" / "harness.sqlite"
    fill(path, host, make_cell(), [0, 1, 2])
    return path


def test_csv_has_a_row_for_each_metric_and_each_failure(harness: Harness, db: Path) -> None:
    """With its commit, host and environment; a spreadsheet takes no text for a formula."""
    answer = harness("export", "csv", "-")
    assert answer.code == 0, answer.err
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert len(rows) == 6
    ok = [row for row in rows if row["status"] == "ok"]
    assert [row["commit"] for row in ok] == [f"{day:040x}" for day in (2, 1, 0)]
    assert [row["subject"] for row in ok] == [f"'=Change {day}" for day in (2, 1, 0)]
    first = ok[0]
    assert (first["metric"], first["value"], first["low"], first["high"]) == (
        "latency",
        "0.1",
        "0.09",
        "0.11",
    )
    assert (first["unit"], first["better"], first["scenario"]) == ("s", "lower", "prefill")
    unsupported = next(row for row in rows if row["status"] == "unsupported")
    assert (unsupported["metric"], unsupported["reason"]) == ("", "needs a GPU")


def test_json_lines_have_the_same_columns(harness: Harness, db: Path, tmp_path: Path) -> None:
    header = harness("export", "csv", "-").out.splitlines()[0].split(",")
    assert harness("export", "jsonl", "rows.jsonl", "--newest").code == 0
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    assert all(list(row) == header for row in rows)
    assert {row["metric"]: row["value"] for row in rows} == {"latency": 0.1, None: None}
    assert {row["prompt"] for row in rows} == {8}


def test_samples_are_exported_on_request(harness: Harness, db: Path) -> None:
    answer = harness("export", "jsonl", "-", "--samples", "--newest")
    rows = [json.loads(line) for line in answer.out.splitlines()]
    found = [(row["section"], row["seconds"], row["warmup"]) for row in rows]
    assert found == [("latency", 0.3, True), ("latency", 0.1, False), ("latency", 0.1, False)]


def test_parquet_has_typed_columns(harness: Harness, db: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert harness("export", "parquet", "rows.parquet").code == 0
    found = parquet.read_table(tmp_path / "rows.parquet")
    assert found.num_rows == 6
    assert {str(found.schema.field(name).type) for name in ("value", "low")} == {"double"}
    assert str(found.schema.field("commit_date").type) == "timestamp[us, tz=UTC]"
    row = found.to_pylist()[0]
    assert (row["metric"], row["value"], row["commit"]) in {
        ("latency", 0.1, f"{2:040x}"),
        (None, None, f"{2:040x}"),
    }


def test_an_export_that_fails_leaves_the_earlier_file(
    harness: Harness, db: Path, tmp_path: Path
) -> None:
    """Here the database turns out to be damaged after the first record."""
    assert harness("export", "jsonl", "all.jsonl", "--full").code == 0
    before = (tmp_path / "all.jsonl").read_bytes()
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE result SET baseline = 5.5, reason = x'00' WHERE id = 5")
        connection.commit()
    answer = harness("export", "jsonl", "all.jsonl", "--full")
    assert answer.code == 2
    assert "row 5 of table result cannot be read" in answer.err
    assert (tmp_path / "all.jsonl").read_bytes() == before
    assert not list(tmp_path.glob(".all*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("csv", "-", "--metric", "latncy"), "unknown metric 'latncy'; did you mean 'latency'?"),
        (("csv", "-", "--only", "modl=x"), "did you mean 'model'?"),
        (("csv", "-", "--samples", "--metric", "latency"), "leave out --metric"),
        (("jsonl", "-", "--full", "--newest"), "leave out the other options"),
        (("csv", "none/x.csv"), "none"),
    ],
)
def test_wrong_requests_are_refused(
    harness: Harness, db: Path, arguments: tuple[str, ...], message: str
) -> None:
    answer = harness("export", *arguments)
    assert answer.code == 2
    assert message in answer.err


def test_what_was_exported_in_full_is_imported_once(
    harness: Harness, db: Path, tmp_path: Path
) -> None:
    """Then both databases show the same, and a second import adds nothing."""
    assert harness("export", "jsonl", "all.jsonl", "--full").code == 0
    answer = harness("import", "all.jsonl", "--db", "new.sqlite", "--format", "json")
    assert answer.code == 0, answer.err
    added = answer.json["sources"][0]["added"]
    assert (added["runs"], added["results"], added["rounds"], added["samples"]) == (3, 6, 3, 9)
    shown = [
        harness("export", "csv", "-", "--samples", "--db", str(one)).out
        for one in (db, "new.sqlite")
    ]
    assert shown[0] == shown[1]
    assert harness("import", "all.jsonl", "--db", "new.sqlite").out == "all.jsonl: nothing new\n"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "not JSON"),
        (lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "ends too early"),
        (lambda text: text.replace('"ok"', '"fine"', 1), "'fine' is not a valid Status"),
        (lambda text: text.replace('"version":1', '"version":9', 1), "version 9 of the format"),
        (lambda _: '{"cell": "x"}\n', "cannot be imported: only `harness export jsonl --full`"),
        (lambda _: "", "ends too early"),
    ],
)
def test_a_damaged_file_adds_nothing(
    harness: Harness, db: Path, tmp_path: Path, damage: Callable[[str], str], message: str
) -> None:
    """One error, with the line."""
    assert harness("export", "jsonl", "all.jsonl", "--full").code == 0
    file = tmp_path / "all.jsonl"
    file.write_text(damage(file.read_text()))
    answer = harness("import", "all.jsonl", "--db", "new.sqlite")
    assert answer.code == 2
    assert answer.err.startswith("error: all.jsonl:")
    assert message in answer.err
    assert not (tmp_path / "new.sqlite").exists()


def test_several_machines_feed_one_history(
    harness: Harness, db: Path, tmp_path: Path, host: Host, make_cell: MakeCell
) -> None:
    """Also two of the same kind; merging again adds nothing, in either direction."""
    twin, other = tmp_path / "twin.sqlite", tmp_path / "other.sqlite"
    fill(twin, host, make_cell(), [2, 3], pid=2)
    fill(other, replace(host, cpu="Another"), make_cell(), [2])
    answer = harness("merge", "twin.sqlite", "sqlite:///other.sqlite", "--format", "json")
    assert answer.code == 0, answer.err
    assert [one["added"]["runs"] for one in answer.json["sources"]] == [2, 1]
    assert count(db, "run") == 6
    assert harness("merge", "twin.sqlite").out == "twin.sqlite: nothing new\n"
    assert harness("merge", str(db), "--db", "twin.sqlite").code == 0
    assert count(twin, "run") == 6
    assert len(harness("show", "--format", "json").json["results"]) == 4


def test_an_older_layout_is_merged_and_left_alone(harness: Harness, tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript((LAYOUTS / "r0001.sql").read_text())
    before = old.read_bytes()
    answer = harness("merge", "old.sqlite", "--db", "new.sqlite")
    assert answer.code == 0, answer.err
    assert "added" in answer.out
    assert old.read_bytes() == before
    shown = [
        harness("show", "--all", "--db", one, "--format", "csv").out
        for one in ("old.sqlite", "new.sqlite")
    ]
    assert shown[0]
    assert shown[0] == shown[1]


def test_a_damaged_database_is_refused_and_nothing_is_lost(
    harness: Harness, db: Path, tmp_path: Path, host: Host, make_cell: MakeCell
) -> None:
    """The runs before the damage are added whole; a repaired database adds the rest."""
    other = tmp_path / "other.sqlite"
    fill(other, host, make_cell(), [5, 6], pid=2)
    whole = other.read_bytes()
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("UPDATE round SET status = 'fine' WHERE id = 2")
        connection.commit()
    answer = harness("merge", "other.sqlite")
    assert answer.code == 2
    assert answer.err.startswith("error: other.sqlite: ")
    assert "'fine' is not a valid Status" in answer.err
    assert (count(db, "run"), count(db, "round")) == (4, 4)
    for file in tmp_path.glob("other.sqlite*"):
        file.unlink()
    other.write_bytes(whole)
    assert harness("merge", "other.sqlite").code == 0
    assert (count(db, "run"), count(db, "round")) == (5, 5)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("none.sqlite", "there is no such database"),
        ("results/harness.sqlite", "is the database itself"),
    ],
)
def test_a_database_that_cannot_be_merged_is_refused(
    harness: Harness, db: Path, other: str, message: str
) -> None:
    answer = harness("merge", other)
    assert answer.code == 2
    assert message in answer.err
