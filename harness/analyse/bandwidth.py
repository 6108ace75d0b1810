"""Memory bandwidth at the size of a working set, by the curve that a host was measured at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate, pairwise

from harness.domain.ceiling import CURVE, MEMORY_READ, buffer_bytes

# Where the curve meets `memory_read`, whose buffer is larger than any of the curve's.
_BEYOND = 2 * CURVE[-1]


def read_bandwidth(measured: Mapping[str, float], working_set: float) -> float | None:
    """B/s at which this host reads that many bytes again and again.

    `measured` are ceilings by name. Between two sizes of the curve the bandwidth is interpolated
    on the logarithm of the size; a working set below the smallest size has that size's. None
    where nothing that large was measured.
    """
    points = curve(measured)
    if not points or working_set > points[-1][0]:
        # Beyond the curve, memory is read at one pace whatever the size.
        return measured.get(MEMORY_READ)
    if working_set <= points[0][0]:
        return points[0][1]
    (low, slow), (high, fast) = next(
        pair for pair in pairwise(points) if pair[0][0] <= working_set <= pair[1][0]
    )
    share = math.log(working_set / low) / math.log(high / low)
    return slow + share * (fast - slow)


def curve(measured: Mapping[str, float]) -> list[tuple[int, float]]:
    """Sizes and bandwidths, the smallest size first; never rising with the size.

    What reads a large buffer fast reads a smaller one as fast: where the smaller one was slower,
    the calls took the time and not the memory.
    """
    sizes = {size: value for name, value in measured.items() if (size := buffer_bytes(name))}
    if sizes and MEMORY_READ in measured:
        sizes[_BEYOND] = measured[MEMORY_READ]
    largest_first = sorted(sizes, reverse=True)
    fastest = accumulate((sizes[size] for size in largest_first), max)
    return list(zip(largest_first, fastest, strict=True))[::-1]
