"""Memory bandwidth at the size of a working set, read off the host's measured curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate, pairwise

from harness.domain.ceiling import CURVE, MEMORY_READ, buffer_bytes

# The size at which the curve meets `memory_read`, whose buffer is larger than all of the curve's.
_BEYOND = 2 * CURVE[-1]


def read_bandwidth(measured: Mapping[str, float], working_set: float) -> float | None:
    """The B/s at which this host reads `working_set` bytes over and over.

    `measured` maps names of ceilings to values. Between two sizes of the curve the bandwidth is
    interpolated on the logarithm of the size; below the smallest size it is that size's
    bandwidth. None if no measured size is large enough.
    """
    points = curve(measured)
    if not points or working_set > points[-1][0]:
        # Beyond the curve, the bandwidth no longer depends on the size.
        return measured.get(MEMORY_READ)
    if working_set <= points[0][0]:
        return points[0][1]
    (low, slow), (high, fast) = next(
        pair for pair in pairwise(points) if pair[0][0] <= working_set <= pair[1][0]
    )
    share = math.log(working_set / low) / math.log(high / low)
    return slow + share * (fast - slow)


def curve(measured: Mapping[str, float]) -> list[tuple[int, float]]:
    """Sizes and bandwidths, smallest size first. The bandwidth never rises with the size.

    A smaller buffer cannot truly be slower than a larger one: if it was measured slower, the
    overhead of the calls took the time, not the memory.
    """
    sizes = {size: value for name, value in measured.items() if (size := buffer_bytes(name))}
    if sizes and MEMORY_READ in measured:
        sizes[_BEYOND] = measured[MEMORY_READ]
    largest_first = sorted(sizes, reverse=True)
    fastest = accumulate((sizes[size] for size in largest_first), max)
    return list(zip(largest_first, fastest, strict=True))[::-1]
