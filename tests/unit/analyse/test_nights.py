"""Whole made-up nights find changes and take no noise for one; `make nights` runs many more."""

from __future__ import annotations

import numpy as np
import pytest

from harness.domain.night import Role, Verdict
from tests.benchmarks.suite.nights import CELL, LAWS, Machine, accepted, nights

COUNT = 100
SEED = 1


@pytest.mark.parametrize("name", LAWS)
def test_unchanged_nights_confirm_nothing(name: str) -> None:
    _, same = nights(Machine(LAWS[name], np.random.default_rng(SEED)), COUNT, 1.0)
    assert same.false == 0
    assert same.found == 0
    assert same.void <= 0.05


@pytest.mark.parametrize("name", ["Gaussian", "bursts", "second slower"])
def test_a_regression_of_a_tenth_is_confirmed_and_accepted_the_next_night(name: str) -> None:
    """If it has gone by the next night, the level stays."""
    machine = Machine(LAWS[name], np.random.default_rng(SEED))
    earlier, changed = nights(machine, COUNT, 1.1)
    assert changed.found >= (0.9 if name == "bursts" else 0.97)
    assert accepted(machine, earlier, changed, 1.1, most=20) >= 0.8
    assert accepted(machine, earlier, changed, 1.0, most=20) == 0


@pytest.mark.parametrize("ratio", [1.1, 1 / 1.1])
def test_regressions_and_improvements_are_found_alike(ratio: float) -> None:
    machine = Machine(LAWS["Gaussian"], np.random.default_rng(SEED))
    _, changed = nights(machine, COUNT, ratio)
    assert changed.found >= 0.97
    confirmed = [one for night in changed.nights if (one := night.confirmed(CELL[0]))]
    assert {one.is_worse for one in confirmed} == {ratio > 1}


def test_suspects_are_few_and_end_early() -> None:
    """12 cells, each with a chance of 2 % at most; few need all pairs."""
    _, same = nights(Machine(LAWS["Gaussian"], np.random.default_rng(SEED)), COUNT, 1.0)
    pairs = same.pairs(Role.SUSPECT)
    assert 0 < len(pairs) < 0.02 * COUNT * len(CELL)
    assert np.mean(pairs) < 12


def test_a_machine_that_is_too_noisy_voids_its_nights() -> None:
    """With 15 % noise, 15 pairs miss a slow-down of 15 %; what they miss is not rejected."""
    machine = Machine(
        lambda rows, rounds, rng: rng.normal(0, 0.15, (rows, rounds)), np.random.default_rng(SEED)
    )
    _, changed = nights(machine, COUNT, 1.1)
    assert changed.void > 0.5
    rejected = [
        one
        for night in changed.nights
        for one in night.found
        if one.role is Role.SLOWED and one.verdict is Verdict.REJECTED
    ]
    assert not rejected
