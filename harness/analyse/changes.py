"""Where a series over commits changed its level, told from noise.

Values are compared on logarithms, so that a change is a ratio. Candidates come from a search by
energy distance (E-divisive: Matteson and James 2014, J. Am. Stat. Assoc. 109, 334-345). Then the
weakest is dropped until every change that is left is significant by two tests and large enough
to matter. Single spikes are no change: a level lasts for at least MINIMUM points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.domain.metric import Direction

Array: TypeAlias = NDArray[np.float64]

MINIMUM = 3  # points of a level: with fewer the search is unstable at the ends
FEWEST = 2 * MINIMUM  # points of a series
SIGNIFICANT = 1e-3  # the largest p-value of a change, by both tests
RELEVANT = 0.03  # the least change, as a ratio to the level before
_OF_NOISE = 2.0  # the least change, in standard deviations of the noise
_POSSIBLE = 0.01  # the largest p-value of a candidate
_WINDOW = 200  # points that are searched at once: the search takes their number squared
_LEAST_NOISE = 1e-12  # of a constant, as logarithms round it
_BELOW = np.tri(_WINDOW)
_SPIKE = 2.5  # standard deviations beyond which a value counts as that far from the median
_MAD = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
_HIGHEST_CORRELATION = 0.9
_EXACT = 4000  # pairs of values up to which the rank test is exact


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
class Steps:
    """The changes of a series, and how large they must be to be seen."""

    changes: tuple[Change, ...]
    noise: float  # the standard deviation around the levels, on logarithms, robust to spikes
    autocorrelation: float  # of neighbouring points, 0 to 0.9
    smallest: float  # the least relative change that five points on a new level would show


@dataclass(frozen=True)
class _Fit:
    """A series cut into levels at some points."""

    values: Array
    cuts: tuple[int, ...]

    @cached_property
    def parts(self) -> list[Array]:
        return [self.values[start:end] for start, end in pairwise(self.edges)]

    @property
    def edges(self) -> list[int]:
        return [0, *self.cuts, len(self.values)]

    @cached_property
    def residuals(self) -> Array:
        return np.concatenate([part - np.median(part) for part in self.parts])

    @cached_property
    def noise(self) -> float:
        """Standard deviation around the levels, or between neighbours if that is larger."""
        around = _MAD * float(np.median(np.abs(self.residuals)))
        return max(_between_neighbours(self.values), around)

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
        return [
            (max(means.p, _rank_test(one, other)), means.step)
            for one, other in pairwise(self.parts)
            for means in (_mean_test(one, other, self.noise, self.correlation),)
        ]

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
    fit = _pruned(_Fit(logs, tuple(_candidates(logs))))
    levels = [math.exp(_mean(part, fit.noise)) for part in fit.parts]
    changes = tuple(
        Change(cut, before, after, p)
        for cut, (before, after), (p, _) in zip(
            fit.cuts, pairwise(levels), fit.judged(), strict=True
        )
    )
    return Steps(changes, fit.noise, fit.correlation, _smallest(fit))


def _pruned(fit: _Fit) -> _Fit:
    """The fit without the cuts that are not significant or not relevant, the weakest first."""
    while fit.cuts:
        judged = list(enumerate(fit.judged()))
        least = fit.least()
        weak = [(p, -step, at) for at, (p, step) in judged if p >= SIGNIFICANT or step < least]
        if not weak:
            return fit
        _, _, worst = max(weak)
        fit = _relocated(_Fit(fit.values, fit.cuts[:worst] + fit.cuts[worst + 1 :]))
    return fit


def _relocated(fit: _Fit) -> _Fit:
    """Each cut moved to the best place between its neighbours, now that another one is gone."""
    cuts = []
    for start, cut, end in zip(fit.edges, fit.cuts, fit.edges[2:], strict=False):
        low, high = max(start, cut - _WINDOW // 2), min(end, cut + _WINDOW // 2)
        cuts.append(low + _split(fit.values[low:high]))
    moved = _Fit(fit.values, tuple(cuts))
    fits = all(end - start >= MINIMUM for start, end in pairwise(moved.edges))
    return moved if fits else fit


def _candidates(values: Array) -> list[int]:
    """Cuts that may be changes, by splitting in two again and again; window by window."""
    found: set[int] = set()
    noise = _between_neighbours(values)
    starts = range(0, max(len(values) - _WINDOW // 2, 1), _WINDOW // 2)
    pending = [(start, min(start + _WINDOW, len(values))) for start in starts]
    while pending:
        start, end = pending.pop()
        if end - start < 2 * MINIMUM:
            continue
        cut = start + _split(values[start:end])
        if _mean_test(values[start:cut], values[cut:end], noise, 0.0).p <= _POSSIBLE:
            found.add(cut)
            pending += [(start, cut), (cut, end)]
    return _apart(sorted(found))


def _apart(cuts: Sequence[int]) -> list[int]:
    """Overlapping windows may cut at places too near to each other: the first is kept."""
    kept: list[int] = []
    for cut in cuts:
        if not kept or cut - kept[-1] >= MINIMUM:
            kept.append(cut)
    return kept


def _split(values: Array) -> int:
    """Where the two parts are furthest apart in energy distance, each of MINIMUM points or more.

    With d the mean distance of two values: m n / (m + n) x (2 d(A, B) - d(A, A) - d(B, B)).
    """
    count = len(values)
    distances = np.abs(values[:, None] - values[None, :])
    to_earlier = np.einsum("ij,ij->i", distances, _BELOW[:count, :count])
    left = np.concatenate([[0.0], np.cumsum(2 * to_earlier)])  # over all pairs of the first i
    total = left[count]
    cross = np.concatenate([[0.0], np.cumsum(distances.sum(axis=1))]) - left
    right = total - left - 2 * cross
    cuts = np.arange(MINIMUM, count - MINIMUM + 1)
    m, n = cuts.astype(np.float64), (count - cuts).astype(np.float64)
    energy = 2 * cross[cuts] / (m * n) - left[cuts] / m**2 - right[cuts] / n**2
    return int(cuts[np.argmax(m * n / count * energy)])


@dataclass(frozen=True)
class _MeanTest:
    p: float
    step: float  # the difference of the means, without its sign


def _mean_test(one: Array, other: Array, noise: float, correlation: float) -> _MeanTest:
    """Student's test of two means, with as many values as the autocorrelation leaves."""
    from scipy.special import stdtr

    before, after = _clipped(one, noise), _clipped(other, noise)
    step = abs(float(before.mean() - after.mean()))
    count = len(one) + len(other)
    squares = float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum())
    # A part of few values may agree by chance: the noise of the whole series is a lower bound.
    variance = max(squares / (count - 2), (0.9 * noise) ** 2)
    error, freedom = _of_difference(len(one), len(other), correlation)
    p = 2 * float(stdtr(freedom, -step / (math.sqrt(variance) * error)))
    return _MeanTest(p, step)


def _of_difference(one: int, other: int, correlation: float) -> tuple[float, float]:
    """Of the difference of two means: its standard error for noise of 1, degrees of freedom."""
    error = math.sqrt(sum(1 / _effective(count, correlation) for count in (one, other)))
    return error, max((one + other) * (1 - correlation) / (1 + correlation) - 2, 1.0)


def _effective(count: int, correlation: float) -> float:
    """Independent values whose mean is as exact as that of `count` correlated ones.

    From the variance of the mean of an AR(1) process, whose autocorrelation is r^k at lag k.
    """
    lags = np.arange(1, count)
    return float(count / (1 + 2 * ((1 - lags / count) * correlation**lags).sum()))


def _rank_test(one: Array, other: Array) -> float:
    """The two-sided p-value of Mann and Whitney 1947 (Ann. Math. Stat. 18, 50-60)."""
    from scipy.special import ndtr

    m, n = len(one), len(other)
    order = np.sort(other)
    below = np.searchsorted(order, one, side="left").sum()
    tied = np.searchsorted(order, one, side="right").sum() - below
    smaller = float(below + tied / 2)
    extreme = min(smaller, m * n - smaller)
    if m * n <= _EXACT and min(m, n) <= 8:
        return min(1.0, 2 * float(_counts(min(m, n), max(m, n))[: math.floor(extreme) + 1].sum()))
    deviation = math.sqrt(m * n * (m + n + 1) / 12)
    return 2 * float(ndtr(-max(m * n / 2 - extreme - 0.5, 0.0) / deviation))


@lru_cache(maxsize=4096)
def _counts(m: int, n: int) -> Array:
    """The probability of each value of the rank statistic, 0 to m n.

    The coefficients of the Gaussian binomial: the product of (1 - q^(n + i)) / (1 - q^i).
    """
    found = np.zeros(m * n + 1)
    found[0] = 1.0
    for i in range(1, m + 1):
        found[n + i :] -= found[: -(n + i)].copy() if n + i <= m * n else 0.0
        for start in range(i):
            found[start::i] = np.cumsum(found[start::i])
    shares: Array = found / found.sum()
    return shares


def _mean(values: Array, noise: float) -> float:
    return float(_clipped(values, noise).mean())


def _clipped(values: Array, noise: float) -> Array:
    """Spikes brought in: they count, but not by how far they reach."""
    middle = np.median(values)
    return np.clip(values, middle - _SPIKE * noise, middle + _SPIKE * noise)


def _between_neighbours(values: Array) -> float:
    """The standard deviation by the differences of neighbours, which steps hardly touch."""
    differences = np.diff(values)
    spread = np.median(np.abs(differences - np.median(differences)))
    return max(_MAD * float(spread) / math.sqrt(2), _LEAST_NOISE)


def _smallest(fit: _Fit) -> float:
    """The relative step that five points of a new level would show in half of all cases.

    It must matter at all, and the test of means must find it significant.
    """
    from scipy.special import stdtrit

    error, freedom = _of_difference(len(fit.parts[-1]), 5, fit.correlation)
    needed = -float(stdtrit(freedom, SIGNIFICANT / 2)) * fit.noise * error
    return math.expm1(max(fit.least(), needed))
