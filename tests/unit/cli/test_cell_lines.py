"""How the end of a cell is told while a run goes on."""

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
    """A prefill that ended well."""
    item = Planned(cell, Action.MEASURE, "not measured yet", Measure(), Limits(), specs=())
    metrics = {"tokens_per_second": headline}
    return CellDone(item, Status.OK, stop_rule=StopRule.ROUNDS, metrics=metrics)


def test_a_cell_is_told_with_its_interval_and_what_ended_it(make_cell: MakeCell) -> None:
    speed = Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 6, 60)
    told = cell_line(done(make_cell(), speed), "nano")
    assert told == "nano: tokens_per_second 40.0 tokens/s [39.0, 41.0] (rounds done)"


def test_a_cell_of_two_rounds_is_told_without_an_interval(make_cell: MakeCell) -> None:
    """And says why there is none."""
    speed = Estimate(40.0, None, None, "1/s", Direction.HIGHER, 2, 20)
    told = cell_line(done(make_cell(), speed), "nano")
    assert told == "nano: tokens_per_second 40 tokens/s (2 rounds: no interval; rounds done)"


def test_a_disturbed_cell_is_told_as_such(make_cell: MakeCell) -> None:
    speed = Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 6, 60)
    said = "2 of 8 rounds were disturbed and do not count"
    told = cell_line(replace(done(make_cell(), speed), disturbed=said), "nano")
    assert told.endswith(f"(rounds done; {said})")


def test_a_disturbed_round_is_told_with_what_disturbed_it(make_cell: MakeCell) -> None:
    item = done(make_cell(), Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 6, 60)).item
    busy = Round(1, Status.OK, facts={"host_others": 0.3, "host_steal": 0.0}, seconds=1.5)
    told = round_line(RoundDone(item, busy), "nano")
    assert told.endswith("ok, 1.50 s, 0 samples; other processes used 30% of the CPU")
