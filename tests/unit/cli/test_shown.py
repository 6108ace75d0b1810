"""Results as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.analyse.compare import Speedup
from harness.cli.show import document
from harness.cli.shown import Shown, as_csv, as_table
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Status, StopRule
from harness.domain.run import Commit, Environment, Host, Run

Make = Callable[..., Shown]


@pytest.fixture
def shown(host: Host, make_cell: Callable[..., Cell]) -> Make:
    """A cell with this operator, twice as fast as its baseline."""
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


def test_a_table_has_figure_interval_rounds_samples_and_stop_rule(shown: Make) -> None:
    text = as_table([shown("sdpa"), shown("math")], "table")
    (row,) = (line for line in text.splitlines() if " math " in line)
    for part in ("200 ms [190, 210]", "2.00x [1.90, 2.10]", " 6 ", " 60 ", "target interval"):
        assert part in row
    assert "all: model" in text


def test_a_table_says_in_words_that_there_is_no_interval(shown: Make) -> None:
    """A spreadsheet has empty bounds and the bare number of rounds instead."""
    one = shown("sdpa")
    name = "tokens_per_second"
    unsure = replace(one.result.metrics[name], low=None, high=None, rounds=2)
    row = Shown(replace(one.result, metrics={name: unsure}), None)
    assert " 2 rounds: no interval " in as_table([row], "table")
    (data,) = csv.DictReader(io.StringIO(as_csv([row])))
    assert (data["tokens_per_second low"], data["rounds"]) == ("", "2")


def test_a_ratio_of_unpaired_rounds_is_marked(shown: Make) -> None:
    """It includes the machine's drift."""
    assert "2.00x [1.90, 2.10] unpaired" in as_table([shown("sdpa", paired=False)], "table")
    assert "unpaired" not in as_table([shown("sdpa")], "table")


def test_a_spreadsheet_gets_numbers_in_base_units_with_their_intervals(shown: Make) -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv([shown("sdpa")])))
    latency = [row[f"latency{part}"] for part in (" [s]", " low", " high")]
    assert latency == ["0.2", "0.19", "0.21"]
    assert [row["speed-up"], row["speed-up low"], row["paired"]] == ["2.0", "1.9", "true"]
    assert (row["rounds"], row["samples"], row["operator"]) == ("6", "60", "sdpa")


def disturbed(one: Shown, busy: int) -> Shown:
    """The same cell with six rounds, of which the first `busy` are disturbed."""
    facts = [{"host_others": 0.3 if index < busy else 0.0} for index in range(6)]
    rounds = tuple(Round(index, Status.OK, facts=each) for index, each in enumerate(facts))
    return replace(one, result=replace(one.result, rounds=rounds))


def test_a_disturbed_cell_is_marked_and_a_note_says_which_rounds_count(shown: Make) -> None:
    plain, busy = shown("sdpa"), disturbed(shown("math"), 2)
    text = as_table([plain, busy], "table")
    (row,) = (line for line in text.splitlines() if " math " in line)
    assert row.rstrip().endswith("target interval reached; disturbed")
    (note,) = (line for line in text.splitlines() if line.startswith(busy.result.cell.id + ":"))
    assert note.endswith(
        "disturbed: other processes used 30% of the CPU in 2 of 6 rounds; "
        "2 of 6 rounds were disturbed and do not count"
    )
    assert text.count("disturbed:") == 1


def test_a_spreadsheet_counts_the_disturbed_rounds(shown: Make) -> None:
    rows = [shown("sdpa"), disturbed(shown("math"), 5)]
    table = csv.DictReader(io.StringIO(as_csv(rows)))
    assert [row["disturbed rounds"] for row in table] == ["0", "5"]


@pytest.mark.parametrize(("busy", "apart"), [(0, 0), (2, 2), (5, 0)])
def test_json_counts_the_disturbed_rounds_that_are_kept_apart(
    shown: Make, busy: int, apart: int
) -> None:
    """Zero if fewer than three rounds are undisturbed: then all count."""
    result = disturbed(shown("sdpa"), busy).result
    (one,) = document([result], [result])["results"]
    assert (one["rounds_kept_apart"], bool(one["disturbed"])) == (apart, busy > 0)


def test_an_assumption_about_a_model_is_printed_once_below_the_table(shown: Make) -> None:
    notes = (Round(0, Status.OK, notes={"assumed": "2 heads are assumed"}),)
    rows = [shown("sdpa"), shown("math")]
    rows = [replace(row, result=replace(row.result, rounds=notes)) for row in rows]
    assert as_table(rows, "table").count("2 heads are assumed") == 1
