"""How a figure grows with the length of the prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.growth import growths, slope, slope_beyond
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Status
from harness.domain.run import Commit, Environment, Host, Run

Make = Callable[..., Result]


@given(st.floats(-3, 3), st.floats(1e-9, 1e9))
def test_a_power_law_gives_its_exponent(exponent: float, factor: float) -> None:
    lengths = [128, 256, 512, 4096]
    fitted = slope(lengths, [factor * length**exponent for length in lengths])
    assert fitted == pytest.approx(exponent, abs=1e-6)


@given(st.floats(0.5, 3), st.floats(1e-3, 1e6), st.floats(0, 0.9))
def test_a_power_law_on_top_of_a_constant_gives_its_exponent_too(
    exponent: float, factor: float, share: float
) -> None:
    """Whatever the constant's share of the least value, within the step of the search."""
    lengths = [512, 1024, 2048, 4096]
    grown = [factor * length**exponent for length in lengths]
    constant = grown[0] * share / (1 - share)
    fitted = slope_beyond(lengths, [constant + one for one in grown])
    assert fitted == pytest.approx(exponent, rel=0.03)


def test_three_lengths_are_too_few_for_memory(result: Make) -> None:
    """A constant and a power fit any three points."""

    def of_memory(prompt: int) -> Result:
        one = result(prompt, 100.0 + prompt)
        rounds = tuple(
            replace(each, values={"working_memory": each.values["latency"]}) for each in one.rounds
        )
        return replace(one, rounds=rounds, metrics={"working_memory": one.metrics["latency"]})

    members = [of_memory(n) for n in (256, 512, 1024, 2048)]
    assert growths(members[:3], "working_memory") == []
    (growth,) = growths(members, "working_memory")
    assert growth.exponent.value == pytest.approx(1.0, abs=0.02)


@pytest.fixture
def result(host: Host, make_cell: Callable[..., Cell]) -> Make:
    """The result of a cell with this prompt, whose rounds had these latencies."""
    run = Run(
        Commit("a" * 40), host, Environment({}), started=datetime(2026, 1, 5, tzinfo=UTC), seed=0
    )

    def made(prompt: int, *latencies: float, **changes: object) -> Result:
        cell = make_cell(workload=(("batch", 1), ("prompt", prompt)), **changes)
        rounds = tuple(
            Round(index, Status.OK, values={"latency": one}) for index, one in enumerate(latencies)
        )
        middle = sorted(latencies)[len(latencies) // 2]
        estimate = Estimate(middle, None, None, "s", Direction.LOWER, len(rounds), 9)
        return Result(run, cell, Status.OK, metrics={"latency": estimate}, rounds=rounds)

    return made


def test_the_exponent_is_fitted_in_each_round(result: Make) -> None:
    """Its interval comes from the rounds: one grows with the square, another in proportion."""
    members = [result(n, n**2.0, n**1.5, float(n)) for n in (256, 512, 1024)]
    (growth,) = growths(members, "latency")
    assert growth.exponent.value == pytest.approx(1.5)
    assert (growth.exponent.rounds, [length for length, _ in growth.points]) == (
        3,
        [256, 512, 1024],
    )
    assert growth.exponent.low is not None
    assert growth.exponent.low < 1.5


def test_two_lengths_are_too_few(result: Make) -> None:
    """A line fits any two points."""
    assert growths([result(256, 1.0), result(512, 2.0)], "latency") == []


def test_cells_that_also_differ_otherwise_are_separate_series(result: Make) -> None:
    plain = [result(n, float(n)) for n in (256, 512, 1024)]
    other = [result(n, n**2.0, operator=Choice("math")) for n in (256, 512, 1024)]
    found = growths([*plain, *other], "latency")
    assert [one.exponent.value for one in found] == pytest.approx([1.0, 2.0])


def test_results_of_another_commit_do_not_mix_in(result: Make) -> None:
    one, two, three = (result(n, float(n)) for n in (256, 512, 1024))
    other = replace(three, run=replace(three.run, commit=Commit("b" * 40)))
    assert growths([one, two, other], "latency") == []


def test_failures_and_zeros_do_not_count(result: Make) -> None:
    """Zero has no logarithm."""
    members = [result(n, float(n)) for n in (256, 512)]
    failed = replace(result(1024, 1.0), status=Status.FAILED)
    nothing = result(2048, 0.0)
    assert growths([*members, failed, nothing], "latency") == []
