"""Shares of yes-or-no trials: how sure they are."""

from __future__ import annotations

import math

_NORMAL = 1.959964  # the normal distribution's two-sided 95% quantile


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95% interval of a share of at least one trial (Wilson 1927, JASA 22, 209-212)."""
    share, square = count / total, _NORMAL**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    spread = share * (1 - share) / total + square / (4 * total**2)
    half = _NORMAL * math.sqrt(spread) / (1 + square / total)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def even_split(one: int, other: int) -> float:
    """The two-sided p-value of the exact binomial test that both outcomes are equally likely."""
    total = one + other
    outcomes: int = 2**total
    tail = sum(math.comb(total, below) for below in range(min(one, other) + 1))
    return min(1.0, 2 * tail / outcomes)
