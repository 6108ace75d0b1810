"""What asv's detector says of the changes that ours found.

It fits steps by an L1 norm with a penalty for each (`asv.step_detect`), knows no test of
significance, and treats a series in its own unit. Two detectors that agree are surer than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analyse.changes import Steps

NEAR = 2  # points apart at which both mean the same change
_BEFORE = 100  # points before the first change that asv sees: its time grows with their number
_MOST = 400  # points in all: the newest


@dataclass(frozen=True)
class SecondOpinion:
    """Where asv sees steps, beside our changes of the same series."""

    agrees: tuple[bool, ...]  # for each change, in their order: asv sees a step there
    alone: tuple[int, ...]  # first points of levels that only asv sees


NONE = SecondOpinion((), ())


def second_opinion(values: Sequence[float], steps: Steps | None) -> SecondOpinion:
    """Asv's opinion of a series; empty if ours found no change, as then asv is not asked.

    A change that is older than the window that asv is given has no agreement.
    """
    if steps is None or not steps.changes:
        return NONE
    start = max(steps.changes[0].index - _BEFORE, len(values) - _MOST, 0)
    theirs = [start + index for index in _detected(values[start:])]
    ours = [one.index for one in steps.changes]
    within = [place for one in steps.episodes for place in (one.start, one.end)]
    return SecondOpinion(
        agrees=tuple(_is_near(index, theirs) for index in ours),
        alone=tuple(index for index in theirs if not _is_near(index, [*ours, *within])),
    )


def _is_near(index: int, others: Sequence[int]) -> bool:
    return any(abs(index - other) <= NEAR for other in others)


def _detected(values: Sequence[float]) -> list[int]:
    """The first points of asv's levels after the first level."""
    from asv.step_detect import detect_steps

    return [start for start, *_ in detect_steps(list(values))[1:]]
