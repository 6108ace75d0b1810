"""Old raw samples go; figures, pages and what verdicts rest on stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.domain.cell import Cell
from harness.domain.location import Location
from harness.domain.metric import Direction
from harness.domain.night import Confirmation, Kind, Night, NightState, Pair, Role, Verdict
from harness.domain.result import Sample, Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.store import Store
from tests.functional.made_history import OLD, count, fill, measured

if TYPE_CHECKING:
    from tests.conftest import Harness

NOW = datetime.now(UTC)
MakeCell = Callable[..., Cell]


@pytest.fixture
def db(tmp_path: Path, host: Host, make_cell: MakeCell) -> Path:
    """Three commits in the default database."""
    path = tmp_path / "results" / "harness.sqlite"
    fill(path, host, make_cell(), [0, 1, 2])
    return path


def test_pruning_keeps_figures_newest_results_and_cited_rounds(
    harness: Harness, tmp_path: Path, host: Host, make_cell: MakeCell
) -> None:
    """A dry run says what would go and changes nothing; then pages and tables stay the same."""
    db = tmp_path / "results" / "harness.sqlite"
    cell = make_cell()
    rounds = fill(db, host, cell, [0, 1, 2, 3, 399])
    cite(db, host, cell, rounds[1])
    shown = harness("show", "--all", "--format", "csv").out
    dry = harness("prune", "--keep", "90d", "--dry-run", "--format", "json").json
    assert dry["dry_run"]
    assert (dry["rounds"], dry["samples"], dry["documents"]) == (3, 9, 3)
    assert (dry["kept_newest"], dry["kept_cited"], dry["freed_bytes"]) == (0, 1, None)
    assert count(db, "sample") == 15
    answer = harness("prune", "--keep", "90d", "--format", "json")
    assert answer.code == 0, answer.err
    assert answer.json["rounds"] == 3
    assert answer.json["freed_bytes"] is not None
    assert (count(db, "sample"), count(db, "document"), count(db, "round")) == (6, 2, 5)
    assert harness("show", "--all", "--format", "csv").out == shown
    assert harness("site").code == 0
    assert harness("prune", "--keep", "90d").out.startswith("nothing to delete; kept: 0 old rounds")
    # Everything is old now, but the newest result of the series keeps its samples.
    assert (
        "kept: 1 old rounds of newest or unfinished results" in harness("prune", "--keep", "0d").out
    )
    assert (count(db, "sample"), count(db, "document")) == (6, 2)


def test_the_site_copes_with_a_result_without_samples(
    harness: Harness, db: Path, tmp_path: Path
) -> None:
    """Its page leaves the samples out and has everything else."""
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("DELETE FROM sample")
        connection.commit()
    assert harness("site").code == 0
    pages = [one.read_text() for one in (tmp_path / "results/site/cells").glob("*.html")]
    measured_pages = [
        page for page in pages if "History over commits" in page and "needs a GPU" not in page
    ]
    assert measured_pages
    assert all('id="samples"' not in page for page in measured_pages)


def test_a_large_database_shrinks(
    harness: Harness, tmp_path: Path, host: Host, make_cell: MakeCell
) -> None:
    """By about what its samples took."""
    db = tmp_path / "results" / "harness.sqlite"
    fill(db, host, make_cell(), [0])
    with Store(Location.file(db)) as store:
        run = store.begin(Run(Commit(""), host, Environment({}), OLD - timedelta(days=9), seed=0))
        key = store.open_result(run, make_cell(), None, adopt=None)
        many = replace(
            measured(OLD - timedelta(days=9)), samples=(Sample("latency", 0.1),) * 20_000
        )
        store.save_round(key, run, many)
        store.close_result(key, Status.OK)
        newer = store.begin(Run(Commit(""), host, Environment({}), OLD, seed=0))
        key = store.open_result(newer, make_cell(), None, adopt=None)
        store.close_result(key, Status.OK)
    before = db.stat().st_size
    freed = harness("prune", "--keep", "1w", "--format", "json").json["freed_bytes"]
    assert freed == before - db.stat().st_size
    assert freed > before / 2


@pytest.mark.parametrize("age", ["90", "soon", "-1d", "1m"])
def test_a_wrong_age_is_refused(harness: Harness, db: Path, age: str) -> None:
    answer = harness("prune", f"--keep={age}")
    assert answer.code == 2
    assert "is not an age: write 90d, 12w or 1y" in answer.err


def test_nothing_is_created_where_there_is_nothing_to_prune(
    harness: Harness, tmp_path: Path
) -> None:
    assert harness("prune", "--keep", "90d", "--db", "none.sqlite").code == 0
    assert not (tmp_path / "none.sqlite").exists()


def cite(db: Path, host: Host, cell: Cell, one: int) -> None:
    """A night whose verdict rests on that round."""
    commit = Commit("a" * 40)
    with Store(Location.file(db)) as store:
        night = store.begin_night(Night(Kind.NIGHTLY, host, Environment({}), commit, NOW))
        verdict = Confirmation(
            *(Role.SUSPECT, cell, "latency", "s", Direction.LOWER, commit, commit),
            Verdict.CONFIRMED,
            pairs=(Pair(True, 1.0, 1.1, one, None),),
        )
        store.save_confirmation(night, verdict)
        store.finish_night(night, NightState.DONE)
