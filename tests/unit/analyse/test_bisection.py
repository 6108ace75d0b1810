"""The culprit is found by half steps, around commits that cannot be judged."""

import random

import pytest

from harness.analyse.bisection import Bisection, Place, place
from harness.analyse.confirm import LOOKS
from harness.domain.night import Pair


def searched(count: int, culprit: int, unknown: frozenset[int] = frozenset()) -> Bisection:
    """A bisection after all its steps; `culprit` is the first bad commit."""
    search = Bisection(count)
    while (number := search.next()) is not None:
        found = Place.BAD if number >= culprit else Place.GOOD
        search.places[number] = Place.UNKNOWN if number in unknown else found
    return search


@pytest.mark.parametrize("count", [2, 3, 15, 100])
def test_every_culprit_is_found(count: int) -> None:
    for culprit in range(1, count):
        search = searched(count, culprit)
        assert list(search.suspects) == [culprit]
        assert len(search.places) - 2 <= count.bit_length()


def test_a_commit_that_cannot_be_judged_is_left_out() -> None:
    """Its neighbours are tried; what stays open is every commit from the last good one on."""
    assert list(searched(9, 5, frozenset({4})).suspects) == [4, 5]
    assert list(searched(9, 5, frozenset({3})).suspects) == [5]
    assert list(searched(9, 5, frozenset({4, 5, 6})).suspects) == [4, 5, 6, 7]
    assert list(searched(9, 5, frozenset(range(1, 8))).suspects) == [*range(1, 9)]


def test_one_commit_is_no_range() -> None:
    with pytest.raises(ValueError, match="two commits"):
        Bisection(1)


def pairs(ratio: float, noise: float, seed: int, count: int = LOOKS[-1]) -> list[Pair]:
    draw = random.Random(seed)
    return [
        Pair(number % 2 == 0, draw.lognormvariate(0, noise), ratio * draw.lognormvariate(0, noise))
        for number in range(count)
    ]


@pytest.mark.parametrize("effect", [1.3, 1 / 1.3])
@pytest.mark.parametrize("seed", range(20))
def test_a_commit_lies_on_the_side_whose_level_it_has(effect: float, seed: int) -> None:
    assert place(pairs(effect, 0.02, seed), effect) is Place.BAD
    assert place(pairs(1.0, 0.02, seed), effect) is Place.GOOD


def test_a_commit_halfway_between_the_levels_is_on_neither_side() -> None:
    around = [1.3**0.5 * (1.03 if n // 2 % 2 else 1 / 1.03) for n in range(LOOKS[-1])]
    halfway = [Pair(n % 2 == 0, 1.0, ratio) for n, ratio in enumerate(around)]
    assert place(halfway, 1.3) is Place.UNKNOWN


def test_between_looks_more_pairs_are_needed() -> None:
    assert place(pairs(1.3, 0.02, 1, count=7), 1.3) is None
    assert place(pairs(1.15, 0.2, 1, count=LOOKS[0]), 1.3) is None
