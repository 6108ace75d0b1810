"""The rounds and the remaining time that the live progress bar shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.cli.progress import Live
from harness.dispatch.budget import Budget
from harness.dispatch.campaign import CellDone, RoundDone
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Round, Status, StopRule
from harness.domain.run import Commit, Environment, Host
from harness.pipeline import Prepared
from harness.plan.expect import Expected, Span
from harness.plan.plan import Action, Plan, Planned
from harness.spec.settings import Limits, Measure

MakeCell = Callable[..., Cell]


@pytest.fixture
def items(make_cell: MakeCell) -> tuple[Planned, Planned]:
    """Two cells with six to thirty rounds each; one has four already."""
    cells = [make_cell(workload=(("batch", 1), ("prompt", prompt))) for prompt in (8, 16)]
    expected = Expected(Span(), Span(1.0, 2.0), rounds=(6, 30))
    one, other = (
        Planned(cell, Action.MEASURE, "", Measure(), Limits(), (), expected=expected)
        for cell in cells
    )
    return one, replace(other, rounds_done=4)


def shown(live: Live) -> tuple[int, int, str]:
    """Rounds done, rounds in all, and the time left."""
    assert live._bar is not None
    task = live._bar.tasks[0]
    return int(task.completed), int(task.total or 0), live._eta()


def test_the_time_left_is_a_range_that_narrows_as_cells_end(
    items: tuple[Planned, Planned], host: Host
) -> None:
    """It comes from the plan, then from the rounds done, and spans the fewest and most to come."""
    one, _ = items
    live = Live(verbose=False)
    live.begin(Prepared((), host, Environment({}), Commit(""), Plan(items)))
    assert shown(live) == (0, 8, "10 s to 2 min")  # importing torch, then 6 + 2 to 30 + 26 rounds
    for index in range(7):
        live.event(RoundDone(one, Round(index, Status.OK, seconds=3.0)))
    assert shown(live) == (7, 9, "6 s to 2 min")  # 2 to 23 + 26 rounds
    speed = Estimate(40.0, 39.0, 41.0, "1/s", Direction.HIGHER, 7, 60)
    metrics = {"tokens_per_second": speed}
    live.event(CellDone(one, Status.OK, stop_rule=StopRule.TARGET, metrics=metrics))
    assert shown(live) == (7, 9, "6 to 78 s")
    live.end()


def test_a_budget_bounds_the_time_left(items: tuple[Planned, Planned], host: Host) -> None:
    """Beside the time that the rounds need, if that is less."""
    one, _ = items
    now = [0.0]
    budget = Budget(60.0, lambda: now[0])
    live = Live(verbose=False)
    live.begin(Prepared((), host, Environment({}), Commit(""), Plan(items), budget=budget))
    assert live._eta() == "10 to 60 s, 60 of 60 s"
    now[0] = 15.0
    for index in range(3):
        live.event(RoundDone(one, Round(index, Status.OK, seconds=5.0)))
    assert live._eta() == "25 to 45 s, 45 of 60 s"  # 5 rounds at least
    now[0] = 50.0
    assert live._eta() == "10 of 60 s"
    live.event(CellDone(one, Status.MEASURING))
    assert shown(live)[:2] == (3, 5)  # the cell that was not reached has no rounds left
    live.end()
