"""A cell compared with itself, on a simulated machine."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from harness.analyse.selfcheck import judged
from harness.dispatch.campaign import Campaign, Event
from harness.dispatch.selfcheck import trials
from harness.domain.cell import Cell
from harness.domain.result import Round, Sample, Status
from harness.errors import HarnessError
from harness.plan.plan import Planned
from harness.spec.settings import Measure
from tests.in_turn import in_turn

START = datetime(2026, 1, 5, tzinfo=UTC)
Rounds = Callable[[Planned, int], Round]


def machine(slower: float = 0.0, noise: float = 0.01) -> Rounds:
    """A machine on which a round takes a second; a cell's copy is slower by the share `slower`."""
    dice = random.Random(3)
    elapsed = 0

    def measure(item: Planned, index: int) -> Round:
        nonlocal elapsed
        elapsed += 1
        seconds = math.exp(dice.gauss(0, noise)) * (1 + slower * item.copy)
        return Round(
            index,
            Status.OK,
            samples=(Sample("latency", seconds),),
            facts={"tokens": 1.0},
            started=START + timedelta(seconds=elapsed),
            seconds=1.0,
        )

    return measure


def by(measure: Rounds) -> Callable[[Campaign], Iterator[Event]]:
    """Runs campaigns with this function in place of the dispatcher."""
    return lambda campaign: in_turn(campaign, measure)


def effort(**settings: object) -> Measure:
    return Measure.model_validate({"max_time": "1h", **settings})


def test_false_alarms_are_rare(make_cell: Callable[..., Cell]) -> None:
    """At most 5% of 300 comparisons of a cell with itself, with the default settings.

    Rounds differ by 1%, so that many campaigns need more than the fewest rounds.
    """
    cell = make_cell()
    comparisons = list(trials(cell, 300, effort(), by(machine())))
    check = judged(cell, "tokens_per_second", comparisons, START)
    assert check.false_alarms <= 0.05
    assert 0.93 <= check.coverage <= 0.98
    assert 0 < check.noise_floor < check.smallest_change < 0.03
    assert 6 <= check.rounds <= 30


@pytest.mark.parametrize(("slower", "least", "most"), [(0.03, 38, 40), (0.0, 0, 2)])
def test_three_percent_slower_is_detected_and_equal_speed_is_not(
    make_cell: Callable[..., Cell], slower: float, least: int, most: int
) -> None:
    """In at least 19 of 20 comparisons each, with the default settings."""
    comparisons = trials(make_cell(), 40, effort(), by(machine(slower)))
    assert least <= sum(one.ratio.differs for one in comparisons) <= most


def test_a_failed_round_ends_the_check_with_its_reason(
    make_cell: Callable[..., Cell],
) -> None:
    def measure(item: Planned, index: int) -> Round:
        return Round(index, Status.CRASHED, "died by SIGSEGV")

    with pytest.raises(HarnessError, match="crashed: died by SIGSEGV"):
        list(trials(make_cell(), 1, effort(), by(measure)))


def test_each_comparison_has_an_order_of_its_own(make_cell: Callable[..., Cell]) -> None:
    """Otherwise an effect of the order would be the same in all."""
    copies: list[int] = []
    on_machine = machine()

    def measure(item: Planned, index: int) -> Round:
        copies.append(item.copy)
        return on_machine(item, index)

    list(trials(make_cell(), 20, effort(rounds=2, max_rounds=2), by(measure)))
    orders = {tuple(copies[start : start + 4]) for start in range(0, len(copies), 4)}
    assert len(copies) == 20 * 4
    assert len(orders) > 1
