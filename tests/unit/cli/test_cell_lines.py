"""The lines that a run prints when a round or a cell is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.cli.progress import cell_line, round_line
from harness.dispatch.campaign import CellDone, RoundDone
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Round, Status, StopRule
from harness.plan.plan import Action, Planned
from harness.spec.settings import Limits, Measure

MakeCell = Callable[..., Cell]


def done(cell: Cell, headline: Estimate) -> CellDone:
    """The end of a successful prefill."""
    item = Planned(cell, Action.MEASURE, "not measured yet", Measure(), Limits(), specs=())
    metrics = {"tokens_per_second": headline}
    return CellDone(item, Status.OK, stop_rule=StopRule.ROUNDS, metrics=metrics)


def test_a_cells_line_has_its_interval_and_stop_rule(make_cell: MakeCell) -> None:
    speed = Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 6, 60)
    line = cell_line(done(make_cell(), speed), "nano")
    assert line == "nano: tokens_per_second 40.0 tokens/s [39.0, 41.0] (rounds done)"


def test_the_line_of_a_cell_with_two_rounds_says_why_it_has_no_interval(
    make_cell: MakeCell,
) -> None:
    speed = Estimate(40.0, None, None, "1/s", Direction.HIGHER, 2, 20)
    line = cell_line(done(make_cell(), speed), "nano")
    assert line == "nano: tokens_per_second 40 tokens/s (2 rounds: no interval; rounds done)"


def test_a_disturbed_cells_line_says_so(make_cell: MakeCell) -> None:
    speed = Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 6, 60)
    sentence = "2 of 8 rounds were disturbed and do not count"
    line = cell_line(replace(done(make_cell(), speed), disturbed=sentence), "nano")
    assert line.endswith(f"(rounds done; {sentence})")


def test_a_disturbed_rounds_line_names_the_interference(make_cell: MakeCell) -> None:
    item = done(make_cell(), Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 6, 60)).item
    busy = Round(1, Status.OK, facts={"host_others": 0.3, "host_steal": 0.0}, seconds=1.5)
    line = round_line(RoundDone(item, busy), "nano")
    assert line.endswith("ok, 1.50 s, 0 samples; other processes used 30% of the CPU")
