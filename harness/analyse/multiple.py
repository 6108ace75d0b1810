"""Corrects p-values for the number of comparisons."""

from __future__ import annotations

from collections.abc import Sequence


def adjusted(ps: Sequence[float]) -> list[float]:
    """The p-values adjusted by Benjamini and Hochberg 1995 (J. R. Stat. Soc. B 57, 289-300).

    Of the comparisons whose adjusted value is at most q, a share of at most q is expected to be
    false.
    """
    count = len(ps)
    result = [1.0] * count
    least = 1.0
    for rank, place in sorted(
        enumerate(sorted(range(count), key=lambda at: ps[at]), start=1), reverse=True
    ):
        least = min(least, ps[place] * count / rank)
        result[place] = least
    return result
