"""An impossible value in a database is refused in one sentence that names the row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.cell import Cell
from harness.domain.location import Location
from harness.domain.metric import Estimate
from harness.domain.result import Round, Status, StopRule
from harness.domain.run import Environment, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.errors import StoreError
from harness.store import Store, StoreReader

NESTED = "[" * 100_000


@pytest.fixture
def kept(
    path: Path,
    host: Host,
    make_run: Callable[..., Run],
    make_cell: Callable[..., Cell],
    make_round: Callable[..., Round],
    metrics: dict[str, Estimate],
) -> Path:
    """A database with rows in every table."""
    environment, when = Environment({"torch": "2.13.0"}), datetime(2026, 1, 5, tzinfo=UTC)
    check = SelfCheck(make_cell(), "latency", 50, 7.5, 0.02, 0.01, 0.03, 0.95, when)
    with Store(Location.file(path)) as store:
        run = store.begin(make_run())
        key = store.open_result(run, make_cell(), None, adopt=None)
        store.save_round(key, run, make_round(0))
        store.save_round(key, run, make_round(1))
        store.close_result(key, Status.OK, stop_rule=StopRule.ROUNDS, metrics=metrics)
        store.save_selfcheck(host, environment, check)
        store.save_ceilings(
            host,
            environment,
            "local",
            [Ceiling("gemm_fp32", 1.0, "FLOP/s", CeilingKind.MEASURED, "kernel")],
        )
        store.finish(run)
    return path


def damage(path: Path, statement: str, *values: object) -> None:
    """Changes the file, without the checks of its constraints."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        changed = connection.execute(statement, values).rowcount
        assert changed > 0
        connection.commit()


def read_all(path: Path) -> None:
    """Reads everything that any command reads."""
    with StoreReader(Location.file(path)) as reader:
        run = reader.results(newest_only=False, samples=True)[0].run
        reader.selfchecks()
        reader.all_ceilings()
        reader.known(run.commit, run.host, run.environment, lambda pid, started: False)
        reader.durations(run.host)
        reader.rounds_of(1)


def test_an_undamaged_database_is_read(kept: Path) -> None:
    read_all(kept)


@pytest.mark.parametrize(
    ("statement", "value", "message"),
    [
        ("UPDATE cell SET content = ?", "{oops", "of table cell cannot be read: .*property name"),
        ("UPDATE cell SET content = ?", "[]", "of table cell cannot be read: content is \\[\\]"),
        ("UPDATE cell SET content = ?", NESTED, "of table cell cannot be read: .*recursion"),
        ("UPDATE cell SET content = ?", '{"model": 5}', "of table cell cannot be read: .*model"),
        ("UPDATE cell SET content = ?", b"{}\xff", "of table cell cannot be read: "),
        ("UPDATE cell SET content = replace(content, '64', ?)", "65", "does not match its id"),
        ("UPDATE cell SET content = replace(content, '\"label\": \"\"', ?)", '"label": 5', "label"),
        ("DELETE FROM cell WHERE id != ?", "", "row 1 of table result .*: '.*' is missing"),
        ("UPDATE host SET content = replace(content, '\"isa\"', ?)", '"iso"', "host .*: isa"),
        ("UPDATE host SET content = replace(content, '\"Linux\"', ?)", "5", "host .*: system"),
        ("UPDATE host SET fingerprint = fingerprint || ?", "0", "row 1 of table run .*missing"),
        ("UPDATE run SET started = ?", "yesterday", "row 1 of table run cannot be read: .*yester"),
        ("UPDATE run SET commit_date = ?", 5, "row 1 of table run cannot be read: "),
        ("UPDATE run SET seed = ?", "x", "row 1 of table run cannot be read: seed is 'x', not an"),
        ("UPDATE run SET specs = ?", '{"a": {"name": 1}}', "row 1 of table run .*: a.name"),
        ("UPDATE run SET environment = ?", '{"torch": null}', "row 1 of table run .*: torch"),
        ("UPDATE run SET branch = CAST(? AS TEXT)", b"caf\xe9", "row 1 of table run .*: branch is"),
        ("UPDATE run SET subject = ?", b"text", "row 1 of table run .*: subject is b'text', not "),
        ("UPDATE result SET status = ?", "fine", "row 1 of table result .*: 'fine' is not a valid"),
        ("UPDATE result SET stop_rule = ?", "tired", "row 1 of table result .*: 'tired' is not a"),
        ("UPDATE result SET run = ?", 99, "row 1 of table result cannot be read: 99 is missing"),
        ("UPDATE result SET reason = ?", b"\x00", "row 1 of table result cannot be read: reason"),
        ("UPDATE round SET status = ? WHERE id = 2", "fine", "row 2 of table round cannot be read"),
        ("UPDATE round SET notes = ?", "[1]", "row 1 of table round cannot be read: notes is"),
        ("UPDATE round SET notes = ?", '{"a": 1}', "row 1 of table round cannot be read: a: "),
        ("UPDATE round SET seconds = ?", "long", "row 1 of table round .*: seconds is 'long', not"),
        ("UPDATE sample SET seconds = ?", "x", r"row \(1, 0\) of table sample .*: seconds is 'x'"),
        ("UPDATE sample SET section = ?", b"\xff", r"row \(1, 0\) of table sample .*: section"),
        ("UPDATE fact SET value = ?", "x", r"row \(1, '.*'\) of table fact .*: value is 'x', not"),
        ("UPDATE round_metric SET value = ?", "x", r"row \(1, .* of table round_metric .*value is"),
        ("UPDATE document SET tokens = ?", 1.5, r"row \(1, 0\) of table document .*: tokens is 1.5"),
        ("UPDATE metric SET direction = ?", "up", r"row \(1, '.*'\) of table metric .*: 'up' is"),
        ("UPDATE metric SET low = ? WHERE name = 'latency'", None, "of table metric .*: an interval"),
        ("UPDATE selfcheck SET trials = ?", "x", "row 1 of table selfcheck .*: trials is 'x', not"),
        ("UPDATE selfcheck SET cell = ?", "gone", "row 1 of table selfcheck .*: 'gone' is missing"),
        ("UPDATE selfcheck SET host = ?", "gone", "row 1 of table selfcheck .*: 'gone' is missing"),
        ("UPDATE ceiling SET kind = ?", "best", r"row \(.*'best'\) of table ceiling .*: 'best' is"),
        ("UPDATE ceiling SET saved = ?", "x", r"row \(.*\) of table ceiling cannot be read: "),
        ("UPDATE ceiling SET environment = ?", "5", r"row \(.*\) of table ceiling .*: environment"),
        ("UPDATE ceiling SET host = ?", "gone", r"row \('gone'.*\) of table ceiling .* is missing"),
    ],
)  # fmt: skip
def test_an_impossible_row_is_reported_with_its_table_and_key(
    kept: Path, statement: str, value: object, message: str
) -> None:
    damage(kept, statement, value)
    with pytest.raises(StoreError, match=rf"(?s)harness\.db: .*{message}") as refused:
        read_all(kept)
    assert len(str(refused.value)) < 400


def test_a_damaged_file_is_reported_as_damaged(kept: Path) -> None:
    """SQLite itself detects it."""
    whole = kept.read_bytes()
    kept.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    with pytest.raises(StoreError, match=r"harness\.db: is damaged .*malformed"):
        read_all(kept)


@pytest.mark.parametrize("damaged", [b"CREATE TABXE metric", b"CREATE \xd4ABLE metric"])
def test_a_damaged_schema_is_reported_as_damaged(kept: Path, damaged: bytes) -> None:
    """Even if SQLite's message, which quotes the schema, is not valid text."""
    whole = kept.read_bytes()
    assert whole.count(b"CREATE TABLE metric") == 1
    kept.write_bytes(whole.replace(b"CREATE TABLE metric", damaged))
    with pytest.raises(StoreError, match=r"harness\.db: is damaged .*; restore it from a copy"):
        read_all(kept)
