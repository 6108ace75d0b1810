"""The median over rounds and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, median, stdev

from harness.domain.metric import Estimate

CONFIDENCE = 0.95
# Standard error of the median over that of the mean, for normal values, by their number: from
# the variance of normal order statistics (Teichroew 1956, Ann. Math. Stat. 27, 410-426;
# Hojo 1931). It tends to sqrt(pi / 2) = 1.2533.
_EVEN = (1.0, 1.092, 1.135, 1.160, 1.176, 1.187, 1.196, 1.202, 1.208, 1.212)  # 2, 4, ..., 20
_ODD = (1.160, 1.198, 1.214, 1.223, 1.228, 1.232, 1.235, 1.237, 1.239)  # 3, 5, ..., 19
_MEDIAN_FACTOR = {2 * i: one for i, one in enumerate(_EVEN, 1)} | {
    2 * i + 1: one for i, one in enumerate(_ODD, 1)
}
_MEDIAN_FACTOR_LIMIT = math.sqrt(math.pi / 2)


def summarise(rounds: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The median over rounds, and its 95% interval: (value, low, high).

    The interval is Student's: the rounds' standard deviation over the root of their number,
    times the quantile of n - 1 degrees of freedom, times how much less sharp a median is than
    a mean. Rounds, not the samples inside one, are what varies independently. A single round
    has no interval, so its bounds are None; that of constants, such as a parameter count, is
    of no width.
    """
    value = median(rounds)
    count = len(rounds)
    if count < 2 or not all(map(math.isfinite, rounds)):
        return value, None, None
    if min(rounds) == max(rounds):  # their mean, and so their spread, would be rounded
        return value, value, value
    spread = stdev(rounds, fmean(rounds))
    factor = _MEDIAN_FACTOR.get(count, _MEDIAN_FACTOR_LIMIT)
    half = _student(count - 1) * factor * spread / math.sqrt(count)
    return value, value - half, value + half


def relative_half_width(estimate: Estimate) -> float | None:
    """Half the interval's width over the value; None where there is no interval."""
    if estimate.low is None or estimate.high is None or estimate.value == 0:
        return None
    return (estimate.high - estimate.low) / 2 / abs(estimate.value)


@lru_cache
def _student(freedom: int) -> float:
    """The two-sided 95% quantile of Student's t."""
    from scipy.stats import t  # half a second to import, for runs alone

    return float(t.ppf((1 + CONFIDENCE) / 2, freedom))
