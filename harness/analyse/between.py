"""The ratio of a metric between two sides that were measured, with its interval and p-value.

All on logarithms, so that a difference is a ratio. Rounds of one run are paired in time. Otherwise
the machine may have changed between the two: a difference has to stand out from what the metric
moves from run to run while nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.analyse.compare import FEWEST_PAIRS, measured
from harness.analyse.pairing import pairs
from harness.analyse.run_noise import Noise
from harness.analyse.stats import ENOUGH, FEWEST, LEVEL, summarise
from harness.domain.metric import Estimate
from harness.domain.result import Result

CONFIDENCE = 0.95
_ROUNDING = 1e-12  # of means of logarithms


@dataclass(frozen=True)
class Difference:
    """A metric's ratio, head over base: 1.05 is 5 % more."""

    ratio: float
    low: float | None = None  # the 95% interval; None if nothing says how certain the ratio is
    high: float | None = None
    p: float | None = None
    pairs: int = 0  # of rounds; 0 if the two sides were measured apart


def is_exact(estimates: Iterable[Estimate]) -> bool:
    """True if every round has the same value, as of a file's size: nothing moves it."""
    return all(one.low == one.value == one.high for one in estimates)


def paired(base: Result, head: Result, metric: str) -> Difference | None:
    """The difference by pairs of rounds; None if there are fewer than FEWEST_PAIRS."""
    sides = [measured(one.metrics[metric], metric, one.rounds).rounds for one in (head, base)]
    ratios = [ours / theirs for ours, theirs in pairs(*sides) if min(ours, theirs) > 0]
    if len(ratios) < FEWEST_PAIRS:
        return None
    value, low, high = summarise(ratios)
    error = _error(low, high, len(ratios))
    return _difference(math.log(value), [error] if error else [], pairs=len(ratios))


def unpaired(
    base: Sequence[Estimate],
    head: Sequence[Estimate],
    noise_of_base: Noise | None,
    noise_of_head: Noise | None,
) -> Difference | None:
    """The difference of two sides by Welch's test on logarithms; None if it has no ratio.

    Each side has an estimate per run. Its variance is the larger of what its rounds say and of
    what the noise between runs says.
    """
    if not all(math.isfinite(one.value) and one.value > 0 for one in (*base, *head)):
        return None
    logs = [fmean(math.log(one.value) for one in side) for side in (base, head)]
    errors = [_of_side(base, noise_of_base), _of_side(head, noise_of_head)]
    known = [one for one in errors if one is not None]
    step = logs[1] - logs[0]
    return _difference(step, _merged(known) if len(known) == len(errors) else [])


@dataclass(frozen=True)
class _Error:
    """The variance of a mean of logarithms, and how well it is known."""

    variance: float
    freedom: float
    noise: Noise | None = None  # what it comes from, if from the noise between runs


def _of_side(runs: Sequence[Estimate], noise: Noise | None) -> _Error | None:
    """The error of the mean over the side's runs; None if nothing says it."""
    by_rounds = [found for one in runs if (found := _error(one.low, one.high, one.rounds))]
    errors = [] if noise is None else [_of_noise(noise, len(runs))]
    if len(by_rounds) == len(runs):
        variance = sum(one.variance for one in by_rounds) / len(runs) ** 2
        errors.append(_Error(variance, sum(one.freedom for one in by_rounds)))
    return max(errors, key=lambda one: one.variance, default=None)


def _of_noise(noise: Noise, runs: int) -> _Error:
    return _Error(noise.deviation**2 / runs, noise.freedom, noise)


def _error(low: float | None, high: float | None, rounds: int) -> _Error | None:
    """The error behind an interval that stats.summarise made of so many rounds."""
    from scipy.special import ndtri, stdtrit

    if low is None or high is None or low <= 0:
        return None
    half = math.log(high / low) / 2
    if rounds < FEWEST:  # the interval is one over documents
        return _Error((half / -ndtri((1 - CONFIDENCE) / 2)) ** 2, math.inf)
    few = rounds < ENOUGH
    reach = -stdtrit(rounds - 1, (1 - CONFIDENCE) / 2) if few else -ndtri((1 - LEVEL) / 2)
    return _Error(float(half / reach) ** 2, float(rounds - 1))


def _merged(errors: Sequence[_Error]) -> list[_Error]:
    """Errors that come from the same noise as one: they share its degrees of freedom."""
    noises = {one.noise for one in errors}
    if len(errors) == 2 and len(noises) == 1 and None not in noises:
        return [_Error(sum(one.variance for one in errors), errors[0].freedom)]
    return list(errors)


def _difference(step: float, errors: Sequence[_Error], pairs: int = 0) -> Difference:
    """With Student's interval and p-value; degrees of freedom by Welch 1947 (Biometrika 34)."""
    from scipy.special import stdtr, stdtrit

    ratio = math.exp(step)
    if not errors:
        return Difference(ratio, pairs=pairs)
    variance = sum(one.variance for one in errors)
    if not variance:  # exact figures differ, or they do not
        p = 1.0 if abs(step) < _ROUNDING else 0.0
        return Difference(ratio, ratio, ratio, p, pairs)
    squares = sum(one.variance**2 / one.freedom for one in errors)
    # Very many degrees of freedom are the normal distribution.
    freedom = min(variance**2 / squares, 1e6) if squares else 1e6
    error = math.sqrt(variance)
    half = -float(stdtrit(freedom, (1 - CONFIDENCE) / 2)) * error
    p = min(1.0, 2 * float(stdtr(freedom, -abs(step) / error)))
    return Difference(ratio, math.exp(step - half), math.exp(step + half), p, pairs)
