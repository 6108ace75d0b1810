"""Whether two parts of a series have different levels: tests of means and of ranks.

Values are logarithms; a level is their mean, in which spikes count for little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

_REACH = 2.5  # standard deviations beyond which a value counts as that far from the median
_CLEAR = 4.0  # standard errors of a step that a drift does not explain
_EXACT = 4000  # pairs of values up to which the rank test is exact


@dataclass(frozen=True)
class MeanTest:
    """What Student's test says of two parts."""

    p: float
    step: float  # the difference of the means, without its sign


def mean_test(one: Array, other: Array, noise: float, correlation: float) -> MeanTest:
    """Student's test of two means, by generalised least squares for AR(1) noise.

    What each value adds to the prediction from the one before it is free of autocorrelation
    (Cochrane and Orcutt 1949, J. Am. Stat. Assoc. 44, 32-61). Spikes are clipped before.
    """
    from scipy.special import stdtr

    level, next_level = mean(one), mean(other)
    step = abs(next_level - level)
    count = len(one) + len(other)
    if correlation:
        effect = _effect(len(one), len(other), correlation)
        values = _whitened(np.concatenate([one, other]) - level, correlation)
        everywhere = _whitened(np.ones(count), correlation)
        values -= everywhere * float(everywhere @ values) / float(everywhere @ everywhere)
        weight = float(effect @ effect)
        size = float(effect @ values) / weight
        rest = values - size * effect
    else:  # the same in closed form, ten times as fast
        weight, size = len(one) * len(other) / count, step
        rest = np.concatenate([one - level, other - next_level])
    # A part of few values may agree by chance: the noise of the whole series is a lower bound.
    least = (0.9 * noise) ** 2 * (1 - correlation**2)
    variance = max(float(rest @ rest) / (count - 2), least)
    t = -abs(size) * math.sqrt(weight / variance)
    return MeanTest(2 * float(stdtr(_freedom(count, correlation), t)), step)


def of_difference(one: int, other: int, correlation: float) -> tuple[float, float]:
    """Of the difference of two means: its standard error for noise of 1, degrees of freedom."""
    effect = _effect(one, other, correlation)
    error = math.sqrt((1 - correlation**2) / float(effect @ effect))
    return error, _freedom(one + other, correlation)


def _freedom(count: int, correlation: float) -> float:
    """Degrees of freedom of the variance of an AR(1) process, by Bartlett's sum of squares.

    Its autocorrelation at lag k is r^k, and the sum of r^2k over all lags (1 + r^2) / (1 - r^2).
    """
    return max(count * (1 - correlation**2) / (1 + correlation**2) - 2, 1.0)


def _effect(one: int, other: int, correlation: float) -> Array:
    """A step of 1 between two parts, without autocorrelation and without the mean of both."""
    step = _whitened(np.repeat([0.0, 1.0], [one, other]), correlation)
    everywhere = _whitened(np.ones(one + other), correlation)
    found: Array = step - everywhere * float(everywhere @ step) / float(everywhere @ everywhere)
    return found


def _whitened(values: Array, correlation: float) -> Array:
    """What each value adds to the prediction from the one before it.

    The first has none before it and is scaled instead (Prais and Winsten 1954).
    """
    found = np.empty_like(values)
    found[0] = values[0] * math.sqrt(1 - correlation**2)
    found[1:] = values[1:] - correlation * values[:-1]
    return found


def rank_test(one: Array, other: Array) -> float:
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


def clipped(values: Array, noise: float) -> Array:
    """Spikes brought in: they count, but not by how far they reach."""
    reach = _REACH * noise
    level = middle(values)
    return np.minimum(np.maximum(values, level - reach), level + reach)


def mean(values: Array) -> float:
    """The mean. NumPy's own method takes four times as long for some dozens of values."""
    return float(np.add.reduce(values)) / len(values)


def middle(values: Array) -> float:
    """The median. NumPy's own takes five times as long for some dozens of values."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def is_slope(one: Array, other: Array, noise: float) -> bool:
    """True if a slow drift explains both parts: a line fits better, and a step adds nothing to it.

    Least squares: with a line alone, and with a line and a step between the parts.
    """
    step = np.repeat([0.0, 1.0], [len(one), len(other)])
    step -= mean(step)
    places = np.arange(len(step)) - (len(step) - 1) / 2
    values = np.concatenate([one, other])
    values -= mean(values)
    line = values - places * float(places @ values) / float(places @ places)
    within = sum(float(((part - mean(part)) ** 2).sum()) for part in (one, other))
    if float(line @ line) >= within:
        return False
    step -= places * float(places @ step) / float(places @ places)
    size = float(step @ line) / float(step @ step)
    return abs(size) < _CLEAR * noise / math.sqrt(float(step @ step))
