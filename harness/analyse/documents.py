"""A figure over documents, and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

FEWEST = 8  # documents: the standard error of fewer means little


def ratio(parts: Sequence[tuple[float, float]]) -> tuple[float, float | None, float | None]:
    """The sum of y over the sum of x for pairs (y, x), with its 95% interval over documents.

    The variance of the ratio R is by linearisation (Cochran 1977, Sampling Techniques, 6.4): with
    residuals e = y - R x of n documents, var R = sum e^2 / (n (n - 1) mean(x)^2). The interval
    takes Student's quantile of n - 1 degrees of freedom.
    """
    above, below = (sum(column) for column in zip(*parts, strict=True))
    value, count = above / below, len(parts)
    if count < FEWEST:
        return value, None, None
    from scipy.stats import t

    squares = sum((y - value * x) ** 2 for y, x in parts)
    half = math.sqrt(squares / (count * (count - 1))) / (below / count)
    half *= float(t.ppf(0.975, count - 1))
    return value, value - half, value + half
