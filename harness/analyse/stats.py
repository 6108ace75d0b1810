"""The median over rounds and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, median_high, median_low, stdev

from harness.domain.metric import Estimate

# Sampling until the interval is narrow stops more often when it is narrow by luck (Anscombe 1953,
# J. R. Stat. Soc. B 15, 1-29; Chow and Robbins 1965, Ann. Math. Stat. 36, 457-462). Intervals at
# 97% therefore contain the truth in 95% of the cells that stop that way. The tests simulate whole
# campaigns and hold their coverage between 93% and 97%.
LEVEL = 0.97
# With this many rounds the interval needs no assumed distribution: the least and the largest of
# six contain the median in 1 - 2 / 2^6 = 96.9% of cases, of five only in 93.8%.
ENOUGH = 6
# The fewest rounds for an interval. With two, Student's reaches 12.7 standard errors each way: on
# logarithms, a factor of two between the rounds would put the bounds 12,000 times apart.
FEWEST = 3
# A normal distribution's standard deviation over its median absolute deviation.
MAD = 1.4826
# A Student interval that reaches further from the value than this factor is dropped: such bounds
# come from the assumed distribution, not from the rounds.
_WIDEST = 10.0
# Student's two-sided 95% quantile by degrees of freedom.
_STUDENT = {2: 4.303, 3: 3.182, 4: 2.776}
# The median's standard error over the mean's, by the number of normal values: from the variance
# of normal order statistics (Teichroew 1956, Ann. Math. Stat. 27, 410-426).
_MEDIAN_FACTOR = {3: 1.160, 4: 1.092, 5: 1.198}


def logarithm(value: float) -> float:
    """The natural logarithm. Raises ValueError if the value has none, or is infinite."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{value} has no logarithm")
    return math.log(value)


def summarise(rounds: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The median over rounds and its 95% interval: (value, low, high).

    The interval comes from rounds because they vary independently; samples inside a round do
    not. Positive values are summarised on their logarithms, so that a rate, a utilisation or a
    cost has exactly the value and interval that follow from its time's.

    With ENOUGH rounds the interval lies between order statistics and assumes no distribution of
    the noise, so skew and outliers do no harm. With fewer it is Student's, as if the logarithms
    were normal (or the values, if any is not positive). With fewer than FEWEST there is none, and
    both bounds are None. The interval of a constant, such as a parameter count, has no width.
    """
    count = len(rounds)
    if count < 2 or not all(map(math.isfinite, rounds)):
        return median(rounds), None, None
    if min(rounds) == max(rounds):  # exact: logarithms would round a parameter count
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
    """The median of positive values: for an even number, the geometric mean of the middle two."""
    low, high = median_low(rounds), median_high(rounds)
    return min(max(math.sqrt(low) * math.sqrt(high), low), high) if low < high else low


def relative_half_width(estimate: Estimate) -> float | None:
    """Half the interval's width over the value; None if there is no interval."""
    if estimate.low is None or estimate.high is None or estimate.value == 0:
        return None
    return (estimate.high - estimate.low) / 2 / abs(estimate.value)


def _between_order_statistics(ordered: Sequence[float], *, positive: bool) -> tuple[float, float]:
    """The interval of the median at LEVEL, interpolated between two pairs of order statistics.

    [x_k, x_(n-k+1)] contains the median unless fewer than k of n values lie on one side of it,
    whose probability is that of n fair coins. Hettmansperger and Sheather (1986, Statistics and
    Probability Letters 4, 75-79) interpolate between the last k whose coverage is too high and
    the next k, whose coverage is too low. The result stays within a percent of the level for any
    distribution, and so for the logarithms of positive values too.
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
    """The probability that [x_k, x_(n-k+1)] of n values contains their distribution's median."""
    return 1 - 2 * sum(math.comb(count, below) for below in range(k)) * 0.5**count


def _student_half_width(values: Sequence[float]) -> float:
    """Half the width of Student's interval around the median of fewer than ENOUGH normal values.

    It is the standard error of the mean, times Student's quantile of n - 1 degrees of freedom,
    times the ratio of the median's standard error to the mean's.
    """
    count = len(values)
    error = stdev(values, fmean(values)) / math.sqrt(count)
    return _STUDENT[count - 1] * _MEDIAN_FACTOR[count] * error
