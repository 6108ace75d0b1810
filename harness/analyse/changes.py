"""Where a series over commits changed its level, told from noise.

Values are compared on logarithms, so that a change is a ratio. Candidates come from a search by
energy distance (E-divisive: Matteson and James 2014, J. Am. Stat. Assoc. 109, 334-345). Then the
weakest is dropped until every change that is left is significant by two tests and large enough
to matter. What a machine does by itself is no change: spikes of one or two points are brought
near to their neighbours, a level that lasts for at most EPISODE points before the old one returns
is an episode, and a step that a straight line fits better is a slow drift.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.analyse.candidates import (
    AROUND,
    EPISODE,
    MINIMUM,
    WINDOW,
    Splits,
    between_neighbours,
    candidates,
    despiked,
    running_median,
)
from harness.analyse.significance import (
    Array,
    clipped,
    is_slope,
    mean,
    mean_test,
    middle,
    of_difference,
    rank_test,
)
from harness.analyse.stats import MAD
from harness.domain.metric import Direction

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 2 * MINIMUM  # points of a series
SIGNIFICANT = 1e-3  # the largest p-value of a change, by both tests
RELEVANT = 0.03  # the least change, as a ratio to the level before
_OF_NOISE = 1.8  # the least change, in standard deviations of the noise
_FAR = 3.0  # standard deviations from the median around it of a point in an episode
_HIGHEST_CORRELATION = 0.9


@dataclass(frozen=True)
class Change:
    """A level that follows another one."""

    index: int  # of the new level's first point
    before: float  # the level before, a mean on logarithms
    after: float
    p: float  # the larger p-value of the two tests

    @property
    def ratio(self) -> float:
        """The new level over the old one: 1.05 is 5 % more."""
        return self.after / self.before

    def is_worse(self, direction: Direction) -> bool:
        """True for a regression of a metric with that direction, False for an improvement."""
        return (self.ratio > 1) == (direction is Direction.LOWER)


@dataclass(frozen=True)
class Episode:
    """A few points away from a level that then came back: a busy neighbour, not a change."""

    start: int  # its first point
    end: int  # the first point after it
    ratio: float  # over the level around it: 1.05 is 5 % more


@dataclass(frozen=True)
class Steps:
    """The changes of a series, and how large they must be to be seen."""

    changes: tuple[Change, ...]
    noise: float  # the standard deviation around the levels, on logarithms, robust to spikes
    autocorrelation: float  # of neighbouring points, 0 to 0.9
    smallest: float  # the least relative change that five points on a new level would show
    episodes: tuple[Episode, ...] = ()  # in the order of their points


@dataclass(frozen=True)
class _Fit:
    """A series cut into levels at some points."""

    splits: Splits
    cuts: tuple[int, ...]

    @property
    def values(self) -> Array:
        return self.splits.values

    @cached_property
    def parts(self) -> list[Array]:
        return [self.values[start:end] for start, end in pairwise(self.edges)]

    @cached_property
    def clipped(self) -> list[Array]:
        """The parts without what spikes reach beyond the noise."""
        return [clipped(part, self.noise) for part in self.parts]

    @property
    def levels(self) -> list[float]:
        return [mean(part) for part in self.clipped]

    @property
    def edges(self) -> list[int]:
        return [0, *self.cuts, len(self.values)]

    @cached_property
    def residuals(self) -> Array:
        return np.concatenate([part - middle(part) for part in self.parts])

    @cached_property
    def noise(self) -> float:
        """Standard deviation around the levels, or between neighbours if that is larger."""
        around = MAD * middle(np.abs(self.residuals))
        return max(between_neighbours(self.values), around)

    @cached_property
    def correlation(self) -> float:
        """Lag-1 autocorrelation around the levels.

        Each level that is estimated lowers it by (1 + 3 r) / n (Kendall 1954, Biometrika 41).
        """
        rest = np.clip(self.residuals, -3 * self.noise, 3 * self.noise)
        squares = float(rest @ rest)
        if len(rest) < 2 * MINIMUM or not squares:
            return 0.0
        found = float(rest[1:] @ rest[:-1]) / squares
        found += (1 + 3 * found) * len(self.parts) / len(rest)
        return min(max(found, 0.0), _HIGHEST_CORRELATION)

    def judged(self) -> list[tuple[float, float]]:
        """At each cut the p-value, and the size of the step on logarithms."""
        tests = [
            mean_test(one, other, self.noise, self.correlation)
            for one, other in pairwise(self.clipped)
        ]
        ranks = [rank_test(one, other) for one, other in pairwise(self.parts)]
        return [(max(test.p, rank), test.step) for test, rank in zip(tests, ranks, strict=True)]

    def least(self) -> float:
        """The least step that matters, on logarithms."""
        return max(math.log1p(RELEVANT), _OF_NOISE * self.noise)


def steps(values: Sequence[float]) -> Steps | None:
    """The changes of a series, in the order of its commits.

    Both directions are treated alike: the same tests find a regression and an improvement. None if
    the series has fewer than FEWEST points, or a value that has no logarithm.
    """
    if len(values) < FEWEST or not all(math.isfinite(one) and one > 0 for one in values):
        return None
    logs = np.log(np.asarray(values, dtype=np.float64))
    fit, kept, episodes = _without_episodes(despiked(logs))
    levels = [math.exp(level) for level in fit.levels]
    changes = tuple(
        Change(int(kept[cut]), before, after, p)
        for cut, (before, after), (p, _) in zip(
            fit.cuts, pairwise(levels), fit.judged(), strict=True
        )
    )
    return Steps(changes, fit.noise, fit.correlation, _smallest(fit), episodes)


def _without_episodes(values: Array) -> tuple[_Fit, NDArray[np.intp], tuple[Episode, ...]]:
    """The fit of the points outside episodes, where those points are, and the episodes."""
    episodes = list(_excursions(values))
    outside = np.ones(len(values), dtype=bool)
    for one in episodes:
        outside[one.start : one.end] = False
    kept = np.flatnonzero(outside)
    while True:
        fit = _fitted(values[kept])
        found = _first_episode(fit)
        if found is None:
            return fit, kept, tuple(sorted(episodes, key=lambda one: one.start))
        start, end, ratio = found
        episodes.append(Episode(int(kept[start]), int(kept[end - 1]) + 1, ratio))
        kept = np.delete(kept, slice(start, end))


def _excursions(values: Array) -> Iterator[Episode]:
    """Runs of points far from the median around them, after which the level before returns.

    The search for changes splits in two, and may miss a short level in the middle of a long one.
    """
    away = values - running_median(values, AROUND)
    away /= max(between_neighbours(values), MAD * middle(np.abs(away)))
    for far in (np.flatnonzero(away > _FAR), np.flatnonzero(away < -_FAR)):
        for run in np.split(far, np.flatnonzero(np.diff(far) > MINIMUM) + 1):
            if len(run) >= MINIMUM and run[-1] - run[0] < min(EPISODE, 2 * len(run)):
                found = _excursion(values, int(run[0]), int(run[-1]) + 1)
                if found is not None:
                    yield found


def _excursion(values: Array, start: int, end: int) -> Episode | None:
    """The episode from `start` to `end`. None if the level after it is not the one before."""
    if start < MINIMUM or end > len(values) - MINIMUM:
        return None
    around = slice(max(start - 5, 0), start), slice(start, end), slice(end, end + 5)
    before, inside, after = (middle(values[part]) for part in around)
    returned = _returned(before, inside, after, math.log1p(RELEVANT))
    return Episode(start, end, math.exp(inside - before)) if returned else None


def _returned(before: float, inside: float, after: float, least: float) -> bool:
    return abs(after - before) < max(least, abs(inside - before) / 4)


def _first_episode(fit: _Fit) -> tuple[int, int, float] | None:
    """Where the level is left for a short time: its first point, its end, and its ratio.

    An episode may have several levels, each of them short.
    """
    levels = fit.levels
    for place in range(1, len(levels) - 1):
        before, inside = levels[place - 1 : place + 1]
        for after in range(place + 1, len(levels)):
            if len(fit.parts[after - 1]) > EPISODE:
                break
            if _returned(before, inside, levels[after], fit.least()):
                return fit.edges[place], fit.edges[after], math.exp(inside - before)
    return None


def _fitted(values: Array) -> _Fit:
    splits = Splits(values)
    return _pruned(_Fit(splits, tuple(candidates(splits))))


def _pruned(fit: _Fit) -> _Fit:
    """The fit without the cuts that are not significant or not relevant, the weakest first."""
    while fit.cuts:
        dropped = _weakest(fit)
        if not dropped:
            return fit
        kept = tuple(cut for at, cut in enumerate(fit.cuts) if at not in dropped)
        fit = _relocated(_Fit(fit.splits, kept))
    return fit


def _weakest(fit: _Fit) -> set[int]:
    """The cuts to drop at once: the weakest, and others that are weak and no neighbour of one."""
    least, noise = fit.least(), between_neighbours(fit.values)
    weak = [
        (p, -step, at)
        for at, (p, step) in enumerate(fit.judged())
        if p >= SIGNIFICANT or step < least or is_slope(fit.clipped[at], fit.clipped[at + 1], noise)
    ]
    dropped = set[int]()
    for _, _, at in sorted(weak, reverse=True):
        if not dropped & {at - 1, at + 1}:
            dropped.add(at)
    return dropped


def _relocated(fit: _Fit) -> _Fit:
    """Each cut moved to the best place between its neighbours, now that another one is gone."""
    cuts = []
    for start, cut, end in zip(fit.edges, fit.cuts, fit.edges[2:], strict=False):
        low, high = max(start, cut - WINDOW // 2), min(end, cut + WINDOW // 2)
        cuts.append(fit.splits.between(low, high))
    moved = _Fit(fit.splits, tuple(cuts))
    fits = all(end - start >= MINIMUM for start, end in pairwise(moved.edges))
    return moved if fits else fit


def _smallest(fit: _Fit) -> float:
    """The relative step that five points of a new level would show in half of all cases.

    It must matter at all, and the test of means must find it significant.
    """
    from scipy.special import stdtrit

    error, freedom = of_difference(len(fit.parts[-1]), 5, fit.correlation)
    needed = -float(stdtrit(freedom, SIGNIFICANT / 2)) * fit.noise * error
    return math.expm1(max(fit.least(), needed))
