"""When a round has enough samples, and which of them were still warming up."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.worker.messages import Effort

# A sample counts as settled when it is at most this much slower than the median of all later
# ones. Wider than the jitter of a quiet machine, narrower than any first-call cost.
TOLERANCE = 1.10
FEWEST_FOR_LEVEL = 8
# A sample lasts at least so many times what the clock can tell apart: it is read to 0.1%.
FINEST = 1000


def settled_from(seconds: Sequence[float]) -> int:
    """The index of the first sample past warm-up: found from the samples, not guessed.

    The first iteration always is warm-up: it pays for lazy initialisation. After it, warm-up
    lasts until a sample is within TOLERANCE of the median of the second half, where the round
    is as settled as it will get. At least the second half is always kept.
    """
    half = len(seconds) // 2
    if half == 0:
        return 0
    level = median(seconds[half:]) * TOLERANCE
    return next((i for i in range(1, half) if seconds[i] <= level), half)


def settles(seconds: Sequence[float]) -> bool:
    """Whether the round came to rest: what it measured after warm-up has one level.

    It has not where no sample of the first half is near the level of the second, nor where the
    kept samples' first half and second half differ by more than TOLERANCE allows. Fewer than
    FEWEST_FOR_LEVEL kept samples cannot tell, and count as settled.
    """
    start = settled_from(seconds)
    kept = seconds[start:]
    if len(kept) < FEWEST_FOR_LEVEL:
        return True
    middle = len(kept) // 2
    early, late = median(kept[:middle]), median(kept[middle:])
    return start < len(seconds) // 2 and max(early, late) <= TOLERANCE * min(early, late)


def too_short(seconds: float, repeats: int, resolution: float) -> bool:
    """Whether a sample of so many iterations, of `seconds` each, lasts less than the clock needs.

    FINEST iterations are enough of any, be they too short for the clock to see at all.
    """
    return repeats < FINEST and seconds * repeats < FINEST * resolution


def wants_more(seconds: Sequence[float], elapsed: float, effort: Effort) -> bool:
    """Whether a round takes another sample, having taken these, `elapsed` seconds after its start.

    It goes on until the round's time is over and as many samples as asked are past warm-up. As
    at least half of them always are, that ends at twice the asked number and one.
    """
    if len(seconds) >= effort.max_samples:
        return False
    if len(seconds) <= effort.samples or elapsed < effort.seconds:
        return True
    return len(seconds) - settled_from(seconds) < effort.samples
