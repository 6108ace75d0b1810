"""Results as a table for people, and as columns for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.analyse.compare import Speedup
from harness.cli.shown import Shown, as_csv, as_table
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Status, StopRule
from harness.domain.run import Commit, Environment, Host, Run

Make = Callable[..., Shown]


@pytest.fixture
def shown(host: Host, make_cell: Callable[..., Cell]) -> Make:
    """A cell of that operator, measured twice as fast as its baseline."""
    started = datetime(2026, 1, 5, tzinfo=UTC)
    run = Run(Commit("a" * 40), host, Environment({}), started=started, seed=0)
    latency = Estimate(0.2, 0.19, 0.21, "s", Direction.LOWER, 6, 60)
    speed = Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 6, 60)

    def made(operator: str, *, paired: bool = True) -> Shown:
        result = Result(
            run,
            make_cell(operator=Choice(operator)),
            Status.OK,
            stop_rule=StopRule.TARGET,
            metrics={"latency": latency, "tokens_per_second": speed},
        )
        ratio = Estimate(2.0, 1.9, 2.1, "1", Direction.HIGHER, 6, 60)
        return Shown(result, Speedup(ratio, paired))

    return made


def test_a_table_tells_figure_interval_rounds_samples_and_stop_rule(shown: Make) -> None:
    text = as_table([shown("sdpa"), shown("math")], "table")
    (row,) = (line for line in text.splitlines() if " math " in line)
    for part in ("200 ms [190, 210]", "2.00x [1.90, 2.10]", " 6 ", " 60 ", "target interval"):
        assert part in row
    assert "all: model" in text


def test_a_ratio_of_unpaired_rounds_is_marked(shown: Make) -> None:
    """Drift of the machine is in it."""
    assert "2.00x [1.90, 2.10] unpaired" in as_table([shown("sdpa", paired=False)], "table")
    assert "unpaired" not in as_table([shown("sdpa")], "table")


def test_a_spreadsheet_gets_numbers_in_base_units_with_their_intervals(shown: Make) -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([shown("sdpa")])))
    told = [row[f"latency{part}"] for part in (" [s]", " low", " high")]
    assert told == ["0.2", "0.19", "0.21"]
    assert [row["speed-up"], row["speed-up low"], row["paired"]] == ["2.0", "1.9", "true"]
    assert (row["rounds"], row["samples"], row["operator"]) == ("6", "60", "sdpa")


def test_what_was_assumed_of_a_model_is_told_once_below_the_table(shown: Make) -> None:
    notes = (Round(0, Status.OK, notes={"assumed": "2 heads are assumed"}),)
    rows = [shown("sdpa"), shown("math")]
    rows = [replace(row, result=replace(row.result, rounds=notes)) for row in rows]
    assert as_table(rows, "table").count("2 heads are assumed") == 1
