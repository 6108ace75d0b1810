"""Where a series of logarithms may have changed its level: a search by energy distance.

E-divisive: Matteson and James 2014, J. Am. Stat. Assoc. 109, 334-345. In windows, wide and narrow,
as in seeded binary segmentation: Kovacs et al. 2023, Biometrika 110, 249-256.
"""

from __future__ import annotations

import math

import numpy as np

from harness.analyse.significance import Array, clipped, mean, mean_test, middle
from harness.analyse.stats import MAD

MINIMUM = 3  # points of a level: with fewer the search is unstable at the ends
EPISODE = 12  # the most points of a level that is no change if the level before then returns
WINDOW = 200  # points that are searched at once: the search takes their number squared
AROUND = 41  # points around one that a median takes: most of them are outside an episode
_POSSIBLE = 0.01  # the largest p-value of a candidate
_NEVER = 2.3  # standard errors that the test of means finds no candidate at: it saves the test
_LEAST_NOISE = 1e-12  # of a constant, as logarithms round it
_SPIKE = 2.0  # standard deviations from its neighbours that a spike keeps
_BELOW = np.tri(WINDOW)


class Splits:
    """Where parts of a series split in two. No part is searched twice."""

    def __init__(self, values: Array) -> None:
        self.values = values
        self._found: dict[tuple[int, int], int] = {}

    def between(self, start: int, end: int) -> int:
        """The first point of the second part."""
        if (start, end) not in self._found:
            self._found[start, end] = start + split(self.values[start:end])
        return self._found[start, end]


def candidates(splits: Splits) -> list[int]:
    """Cuts that may be changes: of wide windows, and of narrow ones where those found none.

    A short level in the middle of a long one is missed by splitting all of it in two.
    """
    wide, narrow = _cuts(splits, WINDOW), _cuts(splits, WINDOW // 4)
    kept: list[int] = []
    for cut, apart in [*((cut, MINIMUM) for cut in wide), *((cut, EPISODE) for cut in narrow)]:
        if all(abs(cut - other) >= apart for other in kept):
            kept.append(cut)
    return sorted(kept)


def _cuts(splits: Splits, width: int) -> list[int]:
    """Where each window of that width splits in two, again and again."""
    found: set[int] = set()
    values = splits.values
    noise = between_neighbours(values)
    starts = range(0, max(len(values) - width // 2, 1), width // 2)
    pending = [(start, min(start + width, len(values))) for start in starts]
    while pending:
        start, end = pending.pop()
        if end - start < 2 * MINIMUM:
            continue
        cut = splits.between(start, end)
        before, after = clipped(values[start:cut], noise), clipped(values[cut:end], noise)
        error = noise * math.sqrt(1 / len(before) + 1 / len(after))
        if abs(mean(before) - mean(after)) < _NEVER * error:
            continue
        if mean_test(before, after, noise, 0.0).p <= _POSSIBLE:
            found.add(cut)
            pending += [(start, cut), (cut, end)]
    return sorted(found)


def split(values: Array) -> int:
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


def despiked(values: Array) -> Array:
    """Single points and pairs far from their neighbours, brought near to them.

    A level of MINIMUM points is the median of five, even at the end of the series. A point near
    the median of many is left as it is: three spikes among five do not draw good points to them.
    """
    reach = _SPIKE * between_neighbours(values)
    near, around = running_median(values, 2 * MINIMUM - 1), running_median(values, AROUND)
    return np.clip(values, np.minimum(near, around) - reach, np.maximum(near, around) + reach)


def running_median(values: Array, width: int) -> Array:
    """The median of so many points around each one; at the ends that of the outermost ones."""
    width = min(width, len(values))
    medians = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    places = np.clip(np.arange(len(values)) - width // 2, 0, len(medians) - 1)
    found: Array = medians[places]
    return found


def between_neighbours(values: Array) -> float:
    """The standard deviation by the differences of neighbours, which steps hardly touch."""
    differences = np.diff(values)
    spread = middle(np.abs(differences - middle(differences)))
    return max(MAD * spread / math.sqrt(2), _LEAST_NOISE)
