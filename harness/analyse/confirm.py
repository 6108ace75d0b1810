"""Whether pairs of rounds prove a change between two commits.

The two rounds of a pair are measured one after the other, one at each commit, in random order.
Their ratio cancels whatever slows both: drift, the hour, other work on the host. The evidence is
judged after LOOKS pairs, so that a clear case ends early.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from statistics import fmean, median

from harness.analyse.multiple import adjusted
from harness.analyse.stats import MAD, logarithm
from harness.domain.night import Confirmation, Pair, Role, Verdict

LOOKS = (6, 10, 15)  # the numbers of pairs after which the evidence is judged
SIGNIFICANT = 1e-3  # the largest p-value of a confirmed change, over all looks together
# Each look's share of SIGNIFICANT. Few pairs prove little, so early looks get less. By Bonferroni's
# inequality the looks' false alarms add up. The sum is 0.65, not 1: if processes run at one of two
# speeds, the test passes up to 1.6 times as often as its p-value says.
_SHARES = (0.05, 0.1, 0.5)
RELEVANT = 0.02  # the least change that is confirmed
UNLIKELY = 0.3  # a single look's p-value above which the pairs show no sign of a change
CLEAR = 0.05  # without a sign, a change is rejected only if the interval excludes one this large
# The control must void nights that would see nothing, not nights with bad luck. With 5 % noise
# LOOKS[-1] pairs confirm a slow-down of 15 % in 98 % of cases, and one of 10 % in 65 %. A night can
# be trusted without a smaller one: what noise could hide is INCONCLUSIVE, never REJECTED.
SLOWED_BY = 0.15
# With n pairs, one that is more than _OUTLIER / n standard deviations from the fit is left out: the
# fewer the pairs, the less sure the deviation. Leaving out makes the rest look quieter than it is,
# so it costs _COST / n degrees of freedom beside the pair's own. The two figures are by trial: with
# them, noise of many kinds passes the test about as often as it should (`make nights`).
_OUTLIER = 75.0
_COST = 10.0
_FITTED = 2  # parameters that are estimated: the change, and the effect of being second
_SEARCHES = 4  # for outliers; the second rarely changes anything
_ROUNDING = 1e-12  # of logarithms: exact figures have no outliers


@dataclass(frozen=True)
class Evidence:
    """What the pairs measured so far say. Before the first look only the ratio is known."""

    verdict: Verdict | None  # None: more pairs are needed
    ratio: float  # head over base: 1.05 is 5 % more
    low: float | None = None  # its 95 % interval
    high: float | None = None
    p: float | None = None  # two-sided, for all looks together
    reason: str = ""  # why it is rejected or inconclusive


@dataclass(frozen=True)
class _Fit:
    """A change on logarithms, told from the effect of being measured second."""

    step: float
    error: float  # its standard error
    freedom: float

    @cached_property
    def reach(self) -> float:
        """Half the width of the 95 % interval."""
        from scipy.special import stdtrit

        return float(stdtrit(self.freedom, 0.975)) * self.error

    @cached_property
    def p(self) -> float:
        """Two-sided, by Student's test."""
        from scipy.special import stdtr

        if self.error < _ROUNDING:  # exact figures, such as a file's size
            return float(abs(self.step) < _ROUNDING)
        return 2 * float(stdtr(self.freedom, -abs(self.step) / self.error))

    def excludes(self, share: float) -> bool:
        """True if the interval contains no change of that share or more."""
        return abs(self.step) + self.reach < math.log1p(share)


def evidence(pairs: Sequence[Pair], among: int = 1) -> Evidence:
    """Judge at least one pair, in the order of measurement; the verdict comes at a look.

    `among` is the number of comparisons of the night. An early look confirms a change only if
    `hold` will not take it back, whatever the others say.

    CONFIRMED: p < SIGNIFICANT, and the ratio differs from 1 by RELEVANT or more.
    REJECTED: the interval excludes RELEVANT changes; or there is no sign of a change (p of this
    look > UNLIKELY) and the interval excludes CLEAR ones. A large p alone is no reason: on a noisy
    machine few pairs have a large p whatever the truth.
    INCONCLUSIVE: neither, at the last look.

    Raises ValueError if a value has no logarithm, or if all pairs have the same order.
    """
    logs = [logarithm(one.head) - logarithm(one.base) for one in pairs]
    count = len(pairs)
    if count not in LOOKS and count < LOOKS[-1]:
        return Evidence(None, math.exp(median(logs)))
    fit = _fitted(logs, [-1 if one.head_first else 1 for one in pairs])
    share = _SHARES[min(sum(count >= look for look in LOOKS), len(LOOKS)) - 1]
    p = min(1.0, fit.p / share)
    last = count >= LOOKS[-1]
    verdict, reason = _verdict(fit, p, SIGNIFICANT if last else SIGNIFICANT / among)
    if last and verdict is None:
        verdict, reason = Verdict.INCONCLUSIVE, _open(fit, count)
    low, high = math.exp(fit.step - fit.reach), math.exp(fit.step + fit.reach)
    return Evidence(verdict, math.exp(fit.step), low, high, p, reason)


def order(source: random.Random) -> list[bool]:
    """For each of LOOKS[-1] pairs, True if the head is measured first.

    The order is random. From look to look the head is first as often as second, or once more or
    less if the number of pairs is odd.
    """
    found: list[bool] = []
    for before, after in pairwise((0, *LOOKS)):
        count = after - before
        part = [True, False] * (count // 2)
        if count % 2:
            part.append(source.random() < 0.5)
        source.shuffle(part)
        found += part
    return found


def hold(found: Sequence[Confirmation]) -> list[Confirmation]:
    """What was found; changes that are not significant among so many are INCONCLUSIVE.

    By Benjamini and Hochberg at SIGNIFICANT. Only suspects and requested comparisons with a
    p-value are among the many.
    """
    tested = [one.p for one in found if one.p is not None and _is_counted(one)]
    holding = [p for p, q in zip(tested, adjusted(tested), strict=True) if q <= SIGNIFICANT]
    limit = max(holding, default=-1.0)
    reason = f"not significant among {len(tested)} comparisons"
    return [
        replace(one, verdict=Verdict.INCONCLUSIVE, reason=reason)
        if _is_counted(one) and one.verdict is Verdict.CONFIRMED and _above(one.p, limit)
        else one
        for one in found
    ]


def void_reason(found: Sequence[Confirmation]) -> str:
    """Why nothing that the night found counts; "" if its controls behaved.

    It needs at least one control of each kind.
    """
    for role in (Role.SAME, Role.SLOWED):
        if not any(one.role is role for one in found):
            return f"the control “{role.value}” was not measured"
    return next((reason for one in found if (reason := _failure(one))), "")


def _is_counted(one: Confirmation) -> bool:
    return one.role in {Role.SUSPECT, Role.REQUESTED} and one.p is not None


def _above(p: float | None, limit: float) -> bool:
    return p is None or p > limit


def _failure(one: Confirmation) -> str:
    """Why the control failed; "" if it did not, or if it is no control."""
    if one.role not in {Role.SAME, Role.SLOWED}:
        return ""
    if one.verdict is Verdict.FAILED:
        why = f": {one.reason}" if one.reason else ""
        return f"the control “{one.role.value}” could not be measured{why}"
    confirmed = one.verdict is Verdict.CONFIRMED
    if one.role is Role.SAME and confirmed:
        by = "" if one.ratio is None else f" by {one.ratio - 1:+.1%}"
        return f"a commit compared with itself seemed to differ{by}"
    if one.role is Role.SLOWED and not (confirmed and one.is_worse):
        return f"a commit slowed by {SLOWED_BY:.0%} was not found to be slower"
    return ""


def _verdict(fit: _Fit, p: float, significant: float) -> tuple[Verdict | None, str]:
    if p < significant and abs(fit.step) >= math.log1p(RELEVANT):
        return Verdict.CONFIRMED, ""
    if fit.excludes(RELEVANT):
        return Verdict.REJECTED, f"any change is below {RELEVANT:.0%}"
    if fit.p > UNLIKELY and fit.excludes(CLEAR):
        return Verdict.REJECTED, f"no sign of a change, and none of {CLEAR:.0%} or more"
    return None, ""


def _open(fit: _Fit, count: int) -> str:
    largest = math.expm1(abs(fit.step) + fit.reach)
    return f"{count} pairs prove no change and exclude none up to {largest:.0%}"


def _fitted(logs: Sequence[float], signs: Sequence[int]) -> _Fit:
    """The change by least squares, without outliers.

    `logs` are log(head / base); a sign is 1 if the head was second, -1 if it was first. Then
    log(second / first) = sign x change + effect of being second + noise, so that a slower second
    round is not taken for a change.

    Outliers are far from the fit by the median absolute deviation. It would be too small, because
    the fit follows the points: n / (n - 2) corrects that.
    """
    if len(set(signs)) < _FITTED:
        raise ValueError("the pairs must be measured in both orders")
    points = [(sign, sign * one) for one, sign in zip(logs, signs, strict=True)]
    kept = points
    effect, step = _from_means(points, median)
    for _ in range(_SEARCHES):
        distances = [abs(value - effect - step * sign) for sign, value in points]
        spread = MAD * median(distances) * len(points) / (len(points) - _FITTED)
        limit = max(_OUTLIER / len(points) * spread, _ROUNDING)
        near = [one for one, away in zip(points, distances, strict=True) if away <= limit]
        if len({sign for sign, _ in near}) < _FITTED:
            break
        kept = near
        effect, step = _from_means(kept, fmean)
    squares = sum((value - effect - step * sign) ** 2 for sign, value in kept)
    cost = _COST / len(points) * (len(points) - len(kept))
    freedom = max(len(kept) - _FITTED - cost, 1.0)
    second = sum(sign > 0 for sign, _ in kept)
    # The change is half the difference of two means.
    error = math.sqrt(squares / freedom * (1 / second + 1 / (len(kept) - second))) / 2
    return _Fit(step, error, freedom)


def _from_means(
    points: Sequence[tuple[int, float]], mean: Callable[[Sequence[float]], float]
) -> tuple[float, float]:
    """(a, b) of value = a + b sign: with means, the fit by least squares."""
    up = mean([value for sign, value in points if sign > 0])
    down = mean([value for sign, value in points if sign < 0])
    return (up + down) / 2, (up - down) / 2
