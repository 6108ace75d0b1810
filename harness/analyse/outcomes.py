"""The outcome of a comparison: the same, faster, slower, or not to be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.analyse.between import Difference
from harness.analyse.multiple import adjusted
from harness.analyse.sides import Match
from harness.domain.metric import Direction
from harness.domain.night import Confirmation, Verdict

SIGNIFICANT = 0.05  # the largest adjusted p-value of a difference
MARGIN = 0.03  # a difference that is surely smaller is none


class Outcome(StrEnum):
    """What a comparison says about the head, or about B."""

    FASTER = "faster"  # of a time or a rate
    SLOWER = "slower"
    BETTER = "better"  # of any other metric
    WORSE = "worse"
    SAME = "same"  # the interval lies within the margin
    INCONCLUSIVE = "inconclusive"  # neither the same nor different
    FAILED = "failed"  # one of the sides was tried and failed
    NOT_RUN = "not run"  # one of the sides has no figure

    @property
    def differs(self) -> bool:
        """True if there is a difference."""
        return self in _DIFFERENT

    @property
    def is_worse(self) -> bool:
        """True for a regression."""
        return self in {Outcome.SLOWER, Outcome.WORSE}


_DIFFERENT = {Outcome.FASTER, Outcome.SLOWER, Outcome.BETTER, Outcome.WORSE}


@dataclass(frozen=True)
class Judged:
    """A metric of a match, compared."""

    match: Match
    metric: str
    speed: bool  # true for times and rates
    outcome: Outcome = Outcome.NOT_RUN
    unit: str = ""
    direction: Direction = Direction.LOWER
    base: float | None = None  # the value; the geometric mean of several runs
    head: float | None = None
    difference: Difference | None = None
    note: str = ""
    head_fault: bool = False  # the head failed, or lacks a figure that the base has
    confirmation: Confirmation | None = None  # the pairs of rounds that say so


def by_significance(judged: Iterable[Judged]) -> list[Judged]:
    """Failures first, then the surest differences, last what was not run."""

    def key(one: Judged) -> tuple[int, float, float]:
        p = one.difference.p if one.difference else None
        place = {Outcome.FAILED: 0, Outcome.NOT_RUN: 2}.get(one.outcome, 1)
        size = abs(math.log(one.difference.ratio)) if one.difference else 0.0
        return place, math.inf if p is None else p, -size

    return sorted(judged, key=key)


def of_confirmation(one: Confirmation, margin: float, *, speed: bool) -> Outcome:
    """The outcome that pairs of rounds stand for.

    A confirmed change is a difference, however small. A rejected one, or one without evidence, is
    the same only if its interval lies within the margin.
    """
    if one.verdict is Verdict.FAILED:
        return Outcome.FAILED
    if one.verdict is Verdict.CONFIRMED and one.ratio is not None:
        return _different(speed=speed, worse=one.is_worse)
    within = one.low is not None and one.high is not None and _within(one.low, one.high, margin)
    return Outcome.SAME if within else Outcome.INCONCLUSIVE


def confirmation_note(one: Confirmation) -> str:
    """How much evidence there is: `confirmed by 10 pairs`."""
    count = f"{len(one.pairs)} pair{'' if len(one.pairs) == 1 else 's'}"
    joined = {Verdict.INCONCLUSIVE: "inconclusive after", Verdict.FAILED: "failed after"}
    text = f"{joined.get(one.verdict, f'{one.verdict} by')} {count}"
    return f"{text}: {one.reason}" if one.reason else text


def reversed_confirmation(one: Confirmation) -> Confirmation:
    """The same evidence with base and head exchanged."""
    return replace(
        one,
        base=one.head,
        head=one.base,
        pairs=tuple(
            replace(
                pair,
                head_first=not pair.head_first,
                base=pair.head,
                head=pair.base,
                base_round=pair.head_round,
                head_round=pair.base_round,
            )
            for pair in one.pairs
        ),
        ratio=None if one.ratio is None else 1 / one.ratio,
        low=None if one.high is None else 1 / one.high,
        high=None if one.low is None else 1 / one.low,
    )


def decided(rows: Sequence[Judged], margin: float) -> list[Judged]:
    """The rows that have a difference, with their outcomes.

    A difference is significant at SIGNIFICANT after the correction of Benjamini and Hochberg over
    all rows.
    """
    ps = [_p(one) for one in rows]
    corrected = iter(adjusted([p for p in ps if p is not None]))
    qs = [None if p is None else next(corrected) for p in ps]
    return [_decided(one, q, len(rows), margin) for one, q in zip(rows, qs, strict=True)]


def _p(one: Judged) -> float | None:
    return one.difference.p if one.difference else None


def _decided(one: Judged, q: float | None, count: int, margin: float) -> Judged:
    found = one.difference
    if q is None or found is None or found.p is None or found.low is None or found.high is None:
        why = "no interval: too few rounds"
        return replace(one, outcome=Outcome.INCONCLUSIVE, note=joined(one.note, why))
    if _within(found.low, found.high, margin):
        return replace(one, outcome=Outcome.SAME)
    if q <= SIGNIFICANT:
        worse = (found.ratio > 1) == (one.direction is Direction.LOWER)
        return replace(one, outcome=_different(speed=one.speed, worse=worse))
    chance = f"may be chance among {count} comparisons" if found.p <= SIGNIFICANT else ""
    return replace(one, outcome=Outcome.INCONCLUSIVE, note=joined(one.note, chance))


def _within(low: float, high: float, margin: float) -> bool:
    """Both bounds lie between 1 / (1 + margin) and 1 + margin, so that the order is no matter."""
    return 1 / (1 + margin) <= low and high <= 1 + margin


def _different(*, speed: bool, worse: bool) -> Outcome:
    if speed:
        return Outcome.SLOWER if worse else Outcome.FASTER
    return Outcome.WORSE if worse else Outcome.BETTER


def joined(*parts: str) -> str:
    """The clauses of a note."""
    return "; ".join(part for part in parts if part)
