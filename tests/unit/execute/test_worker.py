"""How a round drives its iteration, with a clock that is made up."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch

from harness.errors import HarnessError
from harness.execute.messages import Effort
from harness.execute.probe import distance
from harness.execute.worker import _drive
from harness.scenarios import Clock


class Ticking:
    """Tells tenths of microseconds."""

    resolution = 1e-7

    def mark(self) -> object:
        return None

    def seconds(self, start: object, end: object) -> float:
        raise NotImplementedError


class Work:
    """An iteration that says how long it took, each `pace` times the last, and counts."""

    def __init__(self, seconds: float, pace: float = 1.0) -> None:
        self.seconds, self.pace, self.calls = seconds, pace, 0

    def __call__(self, clock: Clock) -> Mapping[str, float]:
        seconds = self.seconds * self.pace**self.calls
        self.calls += 1
        return {"latency": seconds, "ttft": seconds / 2}


def test_short_iterations_are_timed_several_at_once() -> None:
    """Of 10 µs each, 16 make a sample of more than 100 µs; the first two are taken singly."""
    work = Work(1e-5)
    driven = _drive(work, Ticking(), Effort(seconds=0, samples=5, max_samples=50), bool)
    assert driven.facts["repeats"] == 16
    samples = [one for one in driven.samples if one.section == "latency"]
    assert work.calls == 2 + 16 * (len(samples) - 2)
    assert [one.seconds for one in samples] == pytest.approx([1e-5] * len(samples))


def test_long_iterations_are_a_sample_each() -> None:
    work = Work(1e-3)
    driven = _drive(work, Ticking(), Effort(seconds=0, samples=5, max_samples=50), bool)
    assert driven.facts["repeats"] == 1
    assert work.calls == len(driven.samples) / 2 == 6  # the first is warm-up


def test_an_iteration_that_no_clock_sees_comes_to_an_end() -> None:
    driven = _drive(Work(0.0), Ticking(), Effort(seconds=0, samples=2, max_samples=3), bool)
    assert len(driven.samples) == 2 * 3


@pytest.mark.parametrize(("pace", "settled"), [(1.0, True), (1.05, False)])
def test_a_round_tells_whether_it_settled(pace: float, settled: bool) -> None:
    """One that slows down by 5% each time never does."""
    driven = _drive(Work(1e-3, pace), Ticking(), Effort(0, samples=20, max_samples=50), bool)
    assert driven.facts["settled"] == settled
    warm = [one for one in driven.samples if one.warmup and one.section == "latency"]
    assert driven.facts["warmup"] == len(warm)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_a_failure(bad: float) -> None:
    """A model that computes nonsense has no speed worth showing."""
    with pytest.raises(HarnessError, match="not finite"):
        distance(torch.tensor([1.0, bad]), torch.ones(2))


def test_the_distance_of_logits_is_in_parts_of_the_expected_ones() -> None:
    assert distance(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0])) == pytest.approx(0.2)
