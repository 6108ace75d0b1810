"""Finds the commit that changed a level, if not every commit can be judged. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from harness.analyse.confirm import LOOKS, Evidence, evidence
from harness.domain.night import Pair


class Place(StrEnum):
    """On which side of the change a commit lies."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"  # it cannot be built, or the data cannot tell


def place(pairs: Sequence[Pair], effect: float) -> Place | None:
    """Where a commit lies, by its pairs with the good one. None: more pairs are needed.

    `effect` is the bad commit's ratio to the good one. A commit is bad if the interval of its own
    ratio lies beyond half of the effect, on logarithms, and good if it lies before.
    """
    if len(pairs) not in LOOKS:
        return None
    found = evidence(pairs)
    return _place(found, effect, is_last=len(pairs) >= LOOKS[-1])


def _place(found: Evidence, effect: float, *, is_last: bool) -> Place | None:
    assert found.low is not None and found.high is not None, "it is a look"  # noqa: PT018
    half, sign = abs(math.log(effect)) / 2, math.copysign(1.0, math.log(effect))
    low, high = sorted((sign * math.log(found.low), sign * math.log(found.high)))
    if low > half:
        return Place.BAD
    if high < half:
        return Place.GOOD
    return Place.UNKNOWN if is_last else None


@dataclass
class Bisection:
    """The commits from a good one, number 0, to a bad one, the last."""

    count: int
    places: dict[int, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.count < 2:
            raise ValueError("a bisection needs two commits")
        self.places |= {0: Place.GOOD, self.count - 1: Place.BAD}

    @property
    def good(self) -> int:
        """The last commit known to be good."""
        bad = self.bad
        return max(n for n, found in self.places.items() if found is Place.GOOD and n < bad)

    @property
    def bad(self) -> int:
        """The first commit known to be bad."""
        return min(n for n, found in self.places.items() if found is Place.BAD)

    def next(self) -> int | None:
        """The commit to judge next: the untried one nearest to the middle. None at the end."""
        middle = (self.good + self.bad) / 2
        untried = [n for n in range(self.good + 1, self.bad) if n not in self.places]
        return min(untried, key=lambda n: (abs(n - middle), n), default=None)

    def steps_left(self) -> int:
        """About how many more commits must be judged."""
        return max(0, math.ceil(math.log2(self.bad - self.good)))

    @property
    def suspects(self) -> range:
        """The commits one of which is the culprit; a single one if nothing was unknown."""
        return range(self.good + 1, self.bad + 1)
