"""When a round has enough samples, and which of them are warm-up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.worker.messages import Effort
from harness.worker.sampling import MIN_TICKS, has_settled, too_short, wants_more, warmup_length

EFFORT = Effort(seconds=1.0, samples=5, max_samples=50)


def test_the_first_sample_is_always_warm_up() -> None:
    """It pays for lazy initialisation, even if that does not show."""
    assert warmup_length([1.0, 1.0, 1.0, 1.0]) == 1


def test_slow_samples_at_the_start_are_warm_up() -> None:
    """Until a sample is near the level of the second half."""
    assert warmup_length([9.0, 5.0, 3.0, 1.05, 1.0, 1.0, 1.0, 1.0]) == 3


def test_a_slow_sample_after_settling_is_kept() -> None:
    """Noise in the middle of a round is data, not warm-up."""
    assert warmup_length([3.0, 1.0, 7.0, 1.0, 1.0, 1.0]) == 1


def test_a_single_sample_is_not_warm_up() -> None:
    """There is no later sample to compare it with."""
    assert warmup_length([1.0]) == 0


@given(st.lists(st.floats(1e-9, 1e3), min_size=2))
def test_at_least_half_of_a_round_is_kept(seconds: list[float]) -> None:
    """A round that never settles still keeps its second half."""
    assert 1 <= warmup_length(seconds) <= len(seconds) // 2


@pytest.mark.parametrize(
    ("seconds", "settled"),
    [
        ([9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], True),
        ([9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 1.0, 1.0], True),  # too few are left to compare
        ([9.0] * 9 + [1.0] * 9, False),  # no sample of the first half is near the level
        ([9.0] + [1.0] * 10 + [0.8] * 11, False),  # it becomes faster after warm-up
        ([9.0] + [1.0] * 10 + [1.2] * 11, False),  # it becomes slower after warm-up
        ([9.0] + [1.0, 1.05] * 6, True),  # jitter is not drift
        ([1.0, 1.0], True),
        ([], True),
    ],
)
def test_a_round_has_settled_if_its_kept_samples_have_one_level(
    seconds: list[float], settled: bool
) -> None:
    """The cell's page marks a round that has not settled."""
    assert has_settled(seconds) is settled


@pytest.mark.parametrize(
    ("seconds", "repeats", "short"),
    [
        (1e-3, 1, False),  # a millisecond is ten thousand times the resolution
        (1e-5, 1, True),
        (1e-5, 8, True),
        (1e-5, 16, False),
        (0.0, 1, True),  # the timer reads zero
        (0.0, MIN_TICKS, False),  # as many iterations as a sample ever repeats
    ],
)
def test_a_sample_lasts_a_thousand_times_the_timers_resolution(
    seconds: float, repeats: int, short: bool
) -> None:
    """The resolution here is 0.1 µs."""
    assert too_short(seconds, repeats, 1e-7) is short


LATE = [9.0, 8.0, 7.0, 1.0, 1.0, 1.0, 1.0]  # settles at its fourth sample


@pytest.mark.parametrize(
    ("seconds", "elapsed", "wants"),
    [
        ([], 0.0, True),
        ([1.0] * 5, 100.0, True),  # five are wanted, but the first is warm-up
        ([1.0] * 6, 100.0, False),
        ([1.0] * 6, 0.5, True),  # there is time left
        (LATE, 100.0, True),  # only four are past warm-up
        ([*LATE, 1.0], 100.0, False),
        ([1.0] * 50, 0.0, False),  # the maximum
    ],
)
def test_a_round_continues_until_it_has_enough_samples_and_time(
    seconds: list[float], elapsed: float, wants: bool
) -> None:
    """It needs the wanted samples past warm-up and the wanted time, but stops at the maximum."""
    assert wants_more(seconds, elapsed, EFFORT) is wants
