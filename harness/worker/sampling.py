"""Decides when a round has enough samples, and which of its samples are warm-up."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.worker.messages import Effort

# Warm-up ends with the first sample that is at most this much slower than the settled level.
# Wider than the jitter of a quiet machine, narrower than any first-call cost.
TOLERANCE = 1.10
# Fewer samples than this are too few to compare their first half with their second.
MIN_TO_COMPARE = 8
# A sample lasts at least this many times the timer's resolution, so it is accurate to 0.1%.
MIN_TICKS = 1000


def warmup_length(seconds: Sequence[float]) -> int:
    """The number of warm-up samples at the start of a round, found from the samples.

    The first iteration is always warm-up: it pays for lazy initialisation. Warm-up then lasts
    until a sample is within TOLERANCE of the median of the second half. The second half is never
    warm-up.
    """
    half = len(seconds) // 2
    if half == 0:
        return 0
    level = median(seconds[half:]) * TOLERANCE
    return next((i for i in range(1, half) if seconds[i] <= level), half)


def has_settled(seconds: Sequence[float]) -> bool:
    """True if the samples after warm-up stay at one level.

    They do not if no sample of the round's first half is near the level of the second, or if the
    two halves of the kept samples differ by more than TOLERANCE. A round that keeps fewer than
    MIN_TO_COMPARE samples counts as settled.
    """
    warmup = warmup_length(seconds)
    kept = seconds[warmup:]
    if len(kept) < MIN_TO_COMPARE:
        return True
    middle = len(kept) // 2
    early, late = median(kept[:middle]), median(kept[middle:])
    return warmup < len(seconds) // 2 and max(early, late) <= TOLERANCE * min(early, late)


def too_short(seconds: float, repeats: int, resolution: float) -> bool:
    """True if a sample of `repeats` iterations, `seconds` each, is too short for the timer.

    A sample of MIN_TICKS iterations is never too short, even if the timer reads zero.
    """
    return repeats < MIN_TICKS and seconds * repeats < MIN_TICKS * resolution


def wants_more(seconds: Sequence[float], elapsed: float, effort: Effort) -> bool:
    """True if a round takes another sample, `elapsed` seconds after its start.

    It continues until its time is over and enough samples are past warm-up. At least half of the
    samples always are, so it needs at most twice the requested number, plus one.
    """
    if len(seconds) >= effort.max_samples:
        return False
    if len(seconds) <= effort.samples or elapsed < effort.seconds:
        return True
    return len(seconds) - warmup_length(seconds) < effort.samples
