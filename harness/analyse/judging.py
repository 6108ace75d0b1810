"""Compares two sides metric by metric, from stored results and from pairs of rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import geometric_mean

from harness.analyse.between import Difference, is_exact, paired, unpaired
from harness.analyse.outcomes import (
    MARGIN,
    Judged,
    Outcome,
    by_significance,
    confirmation_note,
    decided,
    joined,
    of_confirmation,
)
from harness.analyse.run_noise import RunNoise
from harness.analyse.sides import Match
from harness.domain.metric import Estimate
from harness.domain.night import Confirmation, Verdict
from harness.domain.result import Result, Status


@dataclass(frozen=True)
class Wanted:
    """A metric to compare."""

    name: str
    speed: bool  # true for times and rates
    headline: bool = False  # its row says what became of a cell that could not be measured


def judge(
    found: Iterable[Match],
    metrics_of: Callable[[Match], Iterable[Wanted]],
    history: Sequence[Result],
    confirmed: Callable[[Match, str], Confirmation | None],
    margin: float = MARGIN,
) -> list[Judged]:
    """Every metric of every match, the surest first.

    `history` are all results: they give the noise between runs. `confirmed` finds the pairs of
    rounds of exactly these two sides, which say more than two separate runs.
    """
    asked = [(match, wanted) for match in found for wanted in metrics_of(match)]
    compared = [one for match, _ in asked for one in (*match.base, *match.head)]
    noise = RunNoise(history, compared, {wanted.name for _, wanted in asked})
    closed: list[Judged] = []
    undecided: list[Judged] = []
    for match, wanted in asked:
        by_pairs = confirmed(match, wanted.name)
        if by_pairs is not None:
            closed.append(_by_pairs(match, wanted, by_pairs, margin))
        elif row := _row(match, wanted, noise):
            (undecided if row.difference else closed).append(row)
    return by_significance([*closed, *decided(undecided, margin)])


def _by_pairs(match: Match, wanted: Wanted, one: Confirmation, margin: float) -> Judged:
    difference = None
    if one.ratio is not None:
        difference = Difference(one.ratio, one.low, one.high, one.p, len(one.pairs))
    return Judged(
        match,
        one.metric,
        wanted.speed,
        of_confirmation(one, margin, speed=wanted.speed),
        one.unit,
        one.direction,
        _middle([pair.base for pair in one.pairs]),
        _middle([pair.head for pair in one.pairs]),
        difference,
        confirmation_note(one),
        head_fault=one.verdict is Verdict.FAILED,
        confirmation=one,
    )


def _row(match: Match, wanted: Wanted, noise: RunNoise) -> Judged | None:
    """A metric of a match, with its difference if there is one; None if there is nothing to say."""
    base, head = (_with(side, wanted.name) for side in (match.base, match.head))
    row = _figures(Judged(match, wanted.name, wanted.speed, note=match.note), base, head)
    if base and head:
        return _compared(row, base, head, noise) if match.comparable else row
    if not (base or head) and not (wanted.headline and _is_lacking(match)):
        return None
    return _lacking(row, base, head)


def _is_lacking(match: Match) -> bool:
    """True if a side has results that are not OK. Otherwise the metric is none of the cell's."""
    return any(side and _status(side) is not Status.OK for side in (match.base, match.head))


def _with(side: Sequence[Result], metric: str) -> list[Result]:
    """The side's results with the metric; none if its newest result is not OK."""
    if _status(side) is not Status.OK:
        return []
    return [one for one in side if one.status is Status.OK and metric in one.metrics]


def _status(side: Sequence[Result]) -> Status | None:
    return side[0].status if side else None


def _figures(row: Judged, base: Sequence[Result], head: Sequence[Result]) -> Judged:
    if not base and not head:
        return row
    known = (head or base)[0].metrics[row.metric]
    values = [_value([one.metrics[row.metric] for one in side]) for side in (base, head)]
    return replace(row, unit=known.unit, direction=known.direction, base=values[0], head=values[1])


def _lacking(row: Judged, base: Sequence[Result], head: Sequence[Result]) -> Judged:
    """The row of a match in which a side went wrong, was not run, or lacks the metric."""
    match = row.match
    sides = (("A", match.base, base), ("B", match.head, head))
    why = [_why(name, side, row.metric) for name, side, measured in sides if not measured]
    statuses = (_status(match.base), _status(match.head))
    wrong = [status is not None and status.went_wrong for status in statuses]
    return replace(
        row,
        outcome=Outcome.FAILED if any(wrong) else Outcome.NOT_RUN,
        note=joined(*why, row.note),
        head_fault=wrong[1] if any(wrong) else not head and bool(base),
    )


def _why(name: str, side: Sequence[Result], metric: str) -> str:
    """Why the side has no figure."""
    if not side:
        return f"{name} was not run"
    newest = side[0]
    if newest.status is not Status.OK:
        return f"{name}: {newest.status}" + (f": {newest.reason}" if newest.reason else "")
    why = newest.not_measured.get(metric, "")
    return f"{name} lacks it" + (f": {why}" if why else "")


def _compared(
    row: Judged, base: Sequence[Result], head: Sequence[Result], noise: RunNoise
) -> Judged:
    found, note = _difference(base, head, row.metric, noise)
    if found is not None:
        return replace(row, difference=found, note=joined(row.note, note))
    outcome = Outcome.SAME if row.base == row.head else Outcome.INCONCLUSIVE
    return replace(row, outcome=outcome, note=joined(row.note, "a value is not above zero"))


def _difference(
    base: Sequence[Result], head: Sequence[Result], metric: str, noise: RunNoise
) -> tuple[Difference | None, str]:
    """The difference, and a note if the noise between the runs is assumed."""
    ours, theirs = ([one.metrics[metric] for one in side] for side in (base, head))
    if len(base) == len(head) == 1 and base[0].run.id == head[0].run.id:
        return paired(base[0], head[0], metric) or unpaired(ours, theirs, None, None), ""
    noises = (noise.of(base[0], metric), noise.of(head[0], metric))
    assumed = [one for one in noises if one.assumed]
    if len(assumed) == 2 and is_exact([*ours, *theirs]):
        return unpaired(ours, theirs, None, None), ""
    note = f"short history: noise of {assumed[0].deviation:.1%} assumed" if assumed else ""
    return unpaired(ours, theirs, *noises), note


def _value(side: Sequence[Estimate]) -> float | None:
    """The side's value: of several runs the geometric mean, if all values have logarithms."""
    values = [one.value for one in side]
    return _middle(values) if len(values) > 1 else next(iter(values), None)


def _middle(values: Sequence[float]) -> float | None:
    logs = values and all(math.isfinite(one) and one > 0 for one in values)
    return geometric_mean(values) if logs else None
