"""The median over rounds and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, median_high, median_low, stdev

from harness.domain.metric import Estimate

# A rule that goes on until the interval is narrow stops more often where it is narrow by luck
# (Anscombe 1953, J. R. Stat. Soc. B 15, 1-29; Chow and Robbins 1965, Ann. Math. Stat. 36,
# 457-462), so intervals made at 97% hold the truth in 95% of the cells that end that way. The
# tests play whole campaigns and hold their coverage between 93% and 97%.
LEVEL = 0.97
# From so many rounds on the interval needs no law: the least and the largest of six hold the
# median in 1 - 2 / 2^6 = 96.9% of cases, of five in 93.8% only.
ENOUGH = 6
# Fewest rounds that carry an interval. Of two, Student's has 12.7 standard errors, and on
# logarithms a difference of a factor of two makes bounds 12,000 times apart.
FEWEST = 3
# An interval from Student's law that reaches further from the value than this factor is none:
# such bounds come from the law that was assumed, not from the rounds.
_WIDEST = 10.0
# Student's two-sided 95% quantile by degrees of freedom.
_STUDENT = {2: 4.303, 3: 3.182, 4: 2.776}
# Standard error of the median over that of the mean, for normal values, by their number: from
# the variance of normal order statistics (Teichroew 1956, Ann. Math. Stat. 27, 410-426).
_MEDIAN_FACTOR = {3: 1.160, 4: 1.092, 5: 1.198}


def summarise(rounds: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The median over rounds, and its 95% interval: (value, low, high).

    Rounds, not the samples inside one, are what varies independently. Positive values are
    summarised on their logarithms: so a rate, a utilisation or a cost has exactly the value and
    interval that follow from those of its time.

    From ENOUGH rounds on the interval is between order statistics and assumes no law of their
    noise, so skew and outliers do it no harm. Fewer carry no such interval; theirs is Student's,
    as if the logarithms were normal (the values themselves, where not all are positive). Fewer
    than FEWEST have none, so their bounds are None; that of constants, such as a parameter count,
    is of no width.
    """
    count = len(rounds)
    if count < 2 or not all(map(math.isfinite, rounds)):
        return median(rounds), None, None
    if min(rounds) == max(rounds):  # to the bit: logarithms would round a count of parameters
        return rounds[0], rounds[0], rounds[0]
    positive = min(rounds) > 0
    value = _geometric_middle(rounds) if positive else median(rounds)
    if count < FEWEST:
        return value, None, None
    if count >= ENOUGH:
        return value, *_between_order_statistics(sorted(rounds), positive=positive)
    if not positive:
        half = _student_half_width(rounds)
        return value, value - half, value + half
    half = _student_half_width([math.log(one) for one in rounds])
    if half > math.log(_WIDEST):
        return value, None, None
    return value, value * math.exp(-half), value * math.exp(half)


def _geometric_middle(rounds: Sequence[float]) -> float:
    """The median of positive values; of an even number the geometric mean of the middle two."""
    low, high = median_low(rounds), median_high(rounds)
    return min(max(math.sqrt(low) * math.sqrt(high), low), high) if low < high else low


def relative_half_width(estimate: Estimate) -> float | None:
    """Half the interval's width over the value; None where there is no interval."""
    if estimate.low is None or estimate.high is None or estimate.value == 0:
        return None
    return (estimate.high - estimate.low) / 2 / abs(estimate.value)


def _between_order_statistics(ordered: Sequence[float], *, positive: bool) -> tuple[float, float]:
    """The interval of the median at LEVEL, interpolated between two pairs of order statistics.

    [x_k, x_(n-k+1)] holds the median unless fewer than k of n values lie on one side of it, a
    matter of fair coins. Between the k that holds it too often and the next, which does too
    rarely, Hettmansperger and Sheather (1986, Statistics and Probability Letters 4, 75-79)
    interpolate, and stay within a percent of the level whatever the law of the values: so also
    on the logarithms of positive ones.
    """
    count = len(ordered)
    coverage = [_coverage(k, count) for k in range(1, (count + 1) // 2 + 1)]
    k = max((i for i, one in enumerate(coverage, start=1) if one >= LEVEL), default=1)
    outer = (ordered[k - 1], ordered[count - k])
    if k == len(coverage) or coverage[k - 1] <= LEVEL:
        return outer
    inner = (ordered[k], ordered[count - k - 1])
    excess = (coverage[k - 1] - LEVEL) / (coverage[k - 1] - coverage[k])
    share = (count - k) * excess / (k + (count - 2 * k) * excess)
    low, high = (
        a * (b / a) ** share if positive else (1 - share) * a + share * b
        for a, b in zip(outer, inner, strict=True)
    )
    return low, high


def _coverage(k: int, count: int) -> float:
    """How often [x_k, x_(n-k+1)] holds the median of what n values are drawn from."""
    return 1 - 2 * sum(math.comb(count, below) for below in range(k)) * 0.5**count


def _student_half_width(values: Sequence[float]) -> float:
    """Half of Student's interval around the median of fewer than ENOUGH normal values.

    The standard error of their mean, times the quantile of n - 1 degrees of freedom, times how
    much less sharp a median is than a mean.
    """
    count = len(values)
    error = stdev(values, fmean(values)) / math.sqrt(count)
    return _STUDENT[count - 1] * _MEDIAN_FACTOR[count] * error
