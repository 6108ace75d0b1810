"""`harness changes`: what the history says, from a database of made-up nights."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Status
from harness.domain.run import Commit, Environment, Host, Run
from harness.store import Store

if TYPE_CHECKING:
    from tests.conftest import Harness

START = datetime(2026, 1, 5, 3, tzinfo=UTC)
NIGHTS = 40
STEP = re.compile(r"the level changed: ([+-])[0-9.]+% (worse|better)")
SLOWER, FASTER = 25, 32  # the first nights of a slower prefill and of a faster decode


@pytest.fixture
def history(tmp_path: Path, host: Host, make_cell: Callable[..., Cell]) -> Path:
    """Forty nights of two cells, and three of a third; noise of 1 %."""
    path = tmp_path / "results" / "harness.sqlite"
    cells = [make_cell(), make_cell(scenario=Choice("decode")), make_cell(precision=Choice("bf16"))]
    noise = np.exp(np.random.default_rng(0).normal(0, 0.01, (3, NIGHTS)))
    noise[0, SLOWER:] *= 1.08
    noise[1, FASTER:] *= 0.9
    with Store(Location.file(path)) as store:
        for night in range(NIGHTS):
            when = START + timedelta(days=night)
            commit = Commit(f"{night:040x}", date=when, subject=f"Change number {night}")
            environment = Environment({"torch": "2.13.0"})
            run = store.begin(Run(commit, host, environment, started=when, seed=0))
            for place, cell in enumerate(cells):
                if place == 2 and night >= 3:
                    continue
                value = float(noise[place, night])
                metrics = {
                    "latency": Estimate(value, None, None, "s", Direction.LOWER, 3, 30),
                    "tokens_per_second": replace(
                        Estimate(1 / value, None, None, "1/s", Direction.HIGHER, 3, 30)
                    ),
                }
                key = store.open_result(run, cell, None, adopt=None)
                store.close_result(key, Status.OK, metrics=metrics)
            store.finish(run)
    return path


def test_every_change_is_listed_with_its_commit(harness: Harness, history: Path) -> None:
    """And nothing else: the surest first, both ways, each metric of its own."""
    answer = harness("changes", "list", "--format", "json")
    assert answer.code == 0, answer.err
    found = {(one["axes"]["scenario"], one["metric"]): one for one in answer.json["changes"]}
    assert len(found) == len(answer.json["changes"]) == 4
    slower = found["prefill", "latency"]
    assert slower["commit"] == f"{SLOWER:040x}"
    assert slower["commit_before"] == f"{SLOWER - 1:040x}"
    assert slower["worse"]
    assert slower["ratio"] == pytest.approx(1.08, rel=0.02)
    assert slower["points"] == NIGHTS - SLOWER
    assert slower["noise"] == pytest.approx(0.01, rel=0.4)
    faster = found["decode", "tokens_per_second"]
    assert not faster["worse"]
    assert faster["ratio"] == pytest.approx(1 / 0.9, rel=0.02)
    assert (answer.json["series"], answer.json["short_series"]) == (4, 2)
    assert [one["p"] for one in answer.json["changes"]] == sorted(
        one["p"] for one in found.values()
    )


def test_the_table_reads_at_a_glance(harness: Harness, history: Path) -> None:
    answer = harness("changes", "list", "--metric", "latency")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert any("worse" in line and "Change number 25" in line for line in lines)
    assert answer.err == (
        "1 worse, 1 better in 2 series; "
        "1 not judged: fewer than 6 commits, or a value not above zero\n"
    )


def test_the_cells_pages_mark_the_steps(harness: Harness, history: Path, tmp_path: Path) -> None:
    """With their direction, and what the series would show; a short series has neither."""
    assert harness("site").code == 0
    pages = [one.read_text() for one in (tmp_path / "results/site/cells").glob("*.html")]
    marked = {step for page in pages for step in STEP.findall(page)}
    assert marked == {("+", "worse"), ("-", "worse"), ("+", "better"), ("-", "better")}
    assert sum("five commits would show a change of" in page for page in pages) == 2


@pytest.mark.parametrize(
    ("options", "commits"),
    [
        (("--since", "2026-02-01"), [FASTER]),
        (("--worse",), [SLOWER]),
        (("--only", "scenario=prefill"), [SLOWER]),
        (("--since", "2027-01-01"), []),
    ],
)
def test_what_is_asked_for_is_listed(
    harness: Harness, history: Path, options: tuple[str, ...], commits: list[int]
) -> None:
    answer = harness("changes", "list", "--metric", "latency", "--format", "csv", *options)
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert [row["subject"] for row in rows] == [f"Change number {one}" for one in commits]


def test_a_metric_that_is_none_is_refused(harness: Harness, history: Path) -> None:
    answer = harness("changes", "list", "--metric", "latncy")
    assert answer.code == 2
    assert "unknown metric 'latncy'; did you mean 'latency'?" in answer.err


def test_without_results_there_is_nothing_to_say(harness: Harness) -> None:
    answer = harness("changes", "list")
    assert (answer.code, answer.out) == (0, "")
    assert "no results yet" in answer.err
