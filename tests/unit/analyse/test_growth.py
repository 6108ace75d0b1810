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
    told = slope(lengths, [factor * length**exponent for length in lengths])
    assert told == pytest.approx(exponent, abs=1e-6)


@given(st.floats(0.5, 3), st.floats(1e-3, 1e6), st.floats(0, 0.9))
def test_behind_a_constant_a_power_law_gives_its_exponent_too(
    exponent: float, factor: float, share: float
) -> None:
    """Whatever share of the least value the constant is, to the search's fineness."""
    lengths = [512, 1024, 2048, 4096]
    grown = [factor * length**exponent for length in lengths]
    constant = grown[0] * share / (1 - share)
    told = slope_beyond(lengths, [constant + one for one in grown])
    assert told == pytest.approx(exponent, rel=0.03)


def test_of_memory_three_lengths_are_too_few(result: Make) -> None:
    """Through three points goes any constant and power."""

    def of_memory(prompt: int) -> Result:
        one = result(prompt, 100.0 + prompt)
        rounds = tuple(
            replace(each, values={"working_memory": each.values["latency"]}) for each in one.rounds
        )
        return replace(one, rounds=rounds, metrics={"working_memory": one.metrics["latency"]})

    members = [of_memory(n) for n in (256, 512, 1024, 2048)]
    assert growths(members[:3], "working_memory") == []
    (told,) = growths(members, "working_memory")
    assert told.exponent.value == pytest.approx(1.0, abs=0.02)


@pytest.fixture
def result(host: Host, make_cell: Callable[..., Cell]) -> Make:
    """A cell of that prompt whose rounds took so long."""
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
    """Its interval comes from the rounds: one of these grows with the square, one in proportion."""
    members = [result(n, n**2.0, n**1.5, float(n)) for n in (256, 512, 1024)]
    (told,) = growths(members, "latency")
    assert told.exponent.value == pytest.approx(1.5)
    assert (told.exponent.rounds, [length for length, _ in told.points]) == (3, [256, 512, 1024])
    assert told.exponent.low is not None
    assert told.exponent.low < 1.5


def test_two_lengths_are_too_few(result: Make) -> None:
    """Through two points goes any line."""
    assert growths([result(256, 1.0), result(512, 2.0)], "latency") == []


def test_cells_that_differ_in_more_are_series_of_their_own(result: Make) -> None:
    plain = [result(n, float(n)) for n in (256, 512, 1024)]
    other = [result(n, n**2.0, operator=Choice("math")) for n in (256, 512, 1024)]
    told = growths([*plain, *other], "latency")
    assert [one.exponent.value for one in told] == pytest.approx([1.0, 2.0])


def test_results_of_another_commit_do_not_mix_in(result: Make) -> None:
    one, two, three = (result(n, float(n)) for n in (256, 512, 1024))
    other = replace(three, run=replace(three.run, commit=Commit("b" * 40)))
    assert growths([one, two, other], "latency") == []


def test_failures_and_figures_of_nothing_have_no_part(result: Make) -> None:
    """No logarithm is taken of zero."""
    members = [result(n, float(n)) for n in (256, 512)]
    failed = replace(result(1024, 1.0), status=Status.FAILED)
    nothing = result(2048, 0.0)
    assert growths([*members, failed, nothing], "latency") == []
