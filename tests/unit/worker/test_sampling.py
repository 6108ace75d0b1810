"""When a round has enough samples, and which of them were warming up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.worker.messages import Effort
from harness.worker.sampling import FINEST, settled_from, settles, too_short, wants_more

EFFORT = Effort(seconds=1.0, samples=5, max_samples=50)


def test_the_first_sample_is_always_warm_up() -> None:
    """It pays for lazy initialisation even where that does not show."""
    assert settled_from([1.0, 1.0, 1.0, 1.0]) == 1


def test_slow_samples_at_the_start_are_warm_up() -> None:
    """Until one is near the level of the second half."""
    assert settled_from([9.0, 5.0, 3.0, 1.05, 1.0, 1.0, 1.0, 1.0]) == 3


def test_a_slow_sample_after_settling_is_kept() -> None:
    """Noise in the middle of a round is data, not warm-up."""
    assert settled_from([3.0, 1.0, 7.0, 1.0, 1.0, 1.0]) == 1


def test_a_single_sample_is_all_there_is() -> None:
    """With one sample there is nothing to settle against."""
    assert settled_from([1.0]) == 0


@given(st.lists(st.floats(1e-9, 1e3), min_size=2))
def test_at_least_half_of_a_round_is_kept(seconds: list[float]) -> None:
    """A round that never settles still has its second half."""
    assert 1 <= settled_from(seconds) <= len(seconds) // 2


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ([9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], True),
        ([9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 1.0, 1.0], True),  # too few are left to tell
        ([9.0] * 9 + [1.0] * 9, False),  # no sample of the first half is near the level
        ([9.0] + [1.0] * 10 + [0.8] * 11, False),  # it became faster all the same
        ([9.0] + [1.0] * 10 + [1.2] * 11, False),  # or slower, after it seemed at rest
        ([9.0] + [1.0, 1.05] * 6, True),  # jitter is no drift
        ([1.0, 1.0], True),
        ([], True),
    ],
)
def test_a_round_has_settled_where_what_is_kept_has_one_level(
    seconds: list[float], told: bool
) -> None:
    """Else the cell's page marks it."""
    assert settles(seconds) is told


@pytest.mark.parametrize(
    ("seconds", "repeats", "told"),
    [
        (1e-3, 1, False),  # a millisecond is ten thousand times what the clock can tell apart
        (1e-5, 1, True),
        (1e-5, 8, True),
        (1e-5, 16, False),
        (0.0, 1, True),  # the clock sees nothing of it
        (0.0, FINEST, False),  # but there is an end
    ],
)
def test_a_sample_lasts_well_above_what_the_clock_can_tell(
    seconds: float, repeats: int, told: bool
) -> None:
    """A thousand times its resolution, here 0.1 µs."""
    assert too_short(seconds, repeats, 1e-7) is told


LATE = [9.0, 8.0, 7.0, 1.0, 1.0, 1.0, 1.0]  # settles at its fourth sample


@pytest.mark.parametrize(
    ("seconds", "elapsed", "wants"),
    [
        ([], 0.0, True),
        ([1.0] * 5, 100.0, True),  # five asked, but the first is warm-up
        ([1.0] * 6, 100.0, False),
        ([1.0] * 6, 0.5, True),  # there is time left
        (LATE, 100.0, True),  # only four are past warm-up
        ([*LATE, 1.0], 100.0, False),
        ([1.0] * 50, 0.0, False),  # never more than the most
    ],
)
def test_a_round_goes_on_until_samples_and_time_are_enough(
    seconds: list[float], elapsed: float, wants: bool
) -> None:
    """Both the asked samples, past warm-up, and the asked time are met, within the most samples."""
    assert wants_more(seconds, elapsed, EFFORT) is wants
