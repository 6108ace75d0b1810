"""Audits the alarms of nights: whether they behave like real changes, or like noise.

Each finding names a healthy value. A finding is suspicious if chance hardly explains it; with too
few nights it is not known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import PurePosixPath
from statistics import fmean
from typing import TypeAlias

from harness.analyse.proportions import even_split, wilson
from harness.domain.cell import Cell
from harness.domain.night import Confirmation, Kind, Night, NightState, Role, Verdict
from harness.domain.run import Commit

# True if the commits between base and head change a file that the cell runs; None if unknown.
Touches: TypeAlias = Callable[[Cell, Commit, Commit], bool | None]
Figure: TypeAlias = int | float | None

FEWEST = 6  # nights, or controls: six of one kind have p = 0.03, five 0.06
FEWEST_REPEATS = 3  # pairs of nights on unchanged code
_POSSIBLE = 0.05  # the least p-value of an even split that counts as healthy
_SAME_ALERTS = 0.5  # the least mean overlap of alerts on unchanged code
_VOID = 0.05  # the largest share of void nights
_FALSE = 0.05  # the share of controls with p below 0.05, by the meaning of p
_FALSELY_CONFIRMED = 0.001  # the largest share of confirmed differences of a commit from itself
_MISSED = 0.05  # the largest share of slowed controls that are missed
_REASONS = 3  # reasons of void nights that are quoted
_IDLE_FOLDERS = {"doc", "docs", "test", "tests"}
_IDLE_ENDINGS = {".md", ".rst"}


class Health(StrEnum):
    """What a finding says about the alarms."""

    HEALTHY = "healthy"
    SUSPICIOUS = "suspicious"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Finding:
    """One line of the audit."""

    name: str
    title: str
    found: str  # what the nights show, in words
    healthy: str  # what a healthy value would be
    health: Health
    figures: Mapping[str, Figure]


def audit(nights: Sequence[Night], touches: Touches = lambda *_: None) -> list[Finding]:
    """All findings about the nights, which are in the order in which they began."""
    counted = [one for one in nights if one.kind is Kind.NIGHTLY and one.state is NightState.DONE]
    return [
        _directions(counted),
        _overlap(counted),
        _untouched(counted, touches),
        _void(nights),
        *_controls(nights),
    ]


def runs(cell: Cell, file: str, *, own: bool) -> bool:
    """True if the cell runs the file of its subject's repository.

    `own` says that it is the harness's repository: the built-in model runs its package only. Of
    any repository, no cell runs documentation and tests.
    """
    path = PurePosixPath(file)
    if _IDLE_FOLDERS & set(path.parts[:-1]) or path.suffix in _IDLE_ENDINGS:
        return False
    return not own or bool(cell.factory) or path.parts[0] == "harness"


def _directions(nights: Sequence[Night]) -> Finding:
    """Regressions against improvements. The test counts nights: one cause moves many cells."""
    confirmed = [[one for one in night.confirmations if _is_new(one)] for night in nights]
    worse = [sum(one.is_worse for one in found) for found in confirmed]
    better = [len(found) - bad for found, bad in zip(confirmed, worse, strict=True)]
    of_worse = sum(bad > good for bad, good in zip(worse, better, strict=True))
    of_better = sum(good > bad for bad, good in zip(worse, better, strict=True))
    p = even_split(of_worse, of_better) if of_worse + of_better >= FEWEST else None
    found = (
        f"{_counted(sum(worse), 'regression')} and {_counted(sum(better), 'improvement')} confirmed"
        f"; mostly worse in {_counted(of_worse, 'night')}, mostly better in {of_better}"
    )
    return Finding(
        name="directions",
        title="Regressions and improvements",
        found=found + (f"; p = {p:.2g} for an even split" if p is not None else ""),
        healthy=f"both occur: p of an even split is at least {_POSSIBLE:g}",
        health=_judged(p is not None, p is not None and p < _POSSIBLE),
        figures={
            "regressions": sum(worse),
            "improvements": sum(better),
            "nights_worse": of_worse,
            "nights_better": of_better,
            "p": p,
        },
    )


def _is_new(one: Confirmation) -> bool:
    """True for a change that no earlier night has confirmed."""
    return one.verdict is Verdict.CONFIRMED and not one.accepted and _is_alert(one)


def _is_alert(one: Confirmation) -> bool:
    return one.role is Role.SUSPECT


def _overlap(nights: Sequence[Night]) -> Finding:
    """How alike the alerts of successive nights at the same head are: a change alerts again."""
    shares = [share for one, other in _repeats(nights) for share in _jaccard(one, other)]
    mean = fmean(shares) if shares else None
    share = f", {mean:.0%} of the alerts in common" if mean is not None else ""
    return Finding(
        name="overlap",
        title="Alerts again on unchanged code",
        found=f"{_counted(len(shares), 'pair')} of nights with alerts{share}",
        healthy=f"at least {_SAME_ALERTS:.0%} in common: alerts that never return are noise",
        health=_judged(len(shares) >= FEWEST_REPEATS, mean is not None and mean < _SAME_ALERTS),
        figures={"pairs": len(shares), "jaccard": mean},
    )


def _repeats(nights: Iterable[Night]) -> Iterator[tuple[Night, Night]]:
    """Successive nights of the same head, on one kind of host and in one environment."""
    places: defaultdict[tuple[str, str], list[Night]] = defaultdict(list)
    for night in nights:
        places[night.host.fingerprint, night.environment.digest].append(night)
    for found in places.values():
        for one, other in pairwise(found):
            if one.head.sha and _code(one.head) == _code(other.head):
                yield one, other


def _jaccard(one: Night, other: Night) -> list[float]:
    """Alerts of both nights over alerts of either; empty if neither has any.

    A change that the first night accepted is the new level, and cannot alert again.
    """
    first, second = _alerts(one, accepted=False), _alerts(other, accepted=True)
    return [len(first & second) / len(first | second)] if first | second else []


def _alerts(night: Night, *, accepted: bool) -> set[tuple[str, ...]]:
    return {
        (one.cell.id, one.metric, *_code(one.base))
        for one in night.confirmations
        if _is_alert(one) and (accepted or not one.accepted)
    }


def _code(commit: Commit) -> tuple[str, str]:
    return commit.sha, commit.dirty


def _untouched(nights: Sequence[Night], touches: Touches) -> Finding:
    """Alerts whose commits change nothing that the cell runs: they cannot be the cause."""
    alerts = [one for night in nights for one in night.confirmations if _is_alert(one)]
    known = [(one, touches(one.cell, one.base, one.head)) for one in alerts]
    untouched = [one for one, touched in known if touched is False]
    confirmed = sum(one.verdict is Verdict.CONFIRMED for one in untouched)
    unknown = sum(touched is None for _, touched in known)
    judged = len(alerts) - unknown
    if judged:
        found = f"{len(untouched)} of {_counted(judged, 'alert')}, {confirmed} of them confirmed"
        found += f"; {unknown} not known" if unknown else ""
    else:
        found = f"not known for {_counted(unknown, 'alert')}: the repository is not at hand"
    return Finding(
        name="untouched",
        title="Alerts at commits that change nothing the cell runs",
        found=found if alerts else "no alerts",
        healthy="none of them confirmed",
        health=_judged(judged > 0, confirmed > 0),
        figures={
            "alerts": len(alerts),
            "untouched": len(untouched),
            "untouched_confirmed": confirmed,
            "unknown": unknown,
        },
    )


def _void(nights: Iterable[Night]) -> Finding:
    ended = [one for one in nights if one.state is not NightState.RUNNING]
    reasons = Counter(one.reason for one in ended if one.state is NightState.VOID)
    quoted = [f"{why or 'no reason'} ({n})" for why, n in reasons.most_common(_REASONS)]
    return _share(
        "void",
        "Void nights",
        reasons.total(),
        len(ended),
        _VOID,
        healthy=f"at most {_VOID:.0%}: more means a busy machine, or controls that are too strict",
        more="".join(f"; {one}" for one in quoted),
    )


def _controls(nights: Iterable[Night]) -> list[Finding]:
    """The rates of false alarms and of misses, measured on what is known. Void nights count."""
    every = [one for night in nights for one in night.confirmations]
    measured = [one for one in every if one.verdict is not Verdict.FAILED]
    same = [one for one in measured if one.role is Role.SAME]
    slowed = [one for one in measured if one.role is Role.SLOWED]
    return [
        _share(
            "same_p",
            "A commit against itself: p below 0.05",
            sum(one.p is not None and one.p < _FALSE for one in same),
            sum(one.p is not None for one in same),
            _FALSE,
            healthy=f"about {_FALSE:.0%}, by the meaning of p",
        ),
        _share(
            "same_confirmed",
            "A commit against itself: confirmed",
            sum(one.verdict is Verdict.CONFIRMED for one in same),
            len(same),
            _FALSELY_CONFIRMED,
            healthy=f"at most {_FALSELY_CONFIRMED:.1%}: each is a false alarm",
        ),
        _share(
            "slowed_missed",
            "A slowed commit: missed",
            sum(one.verdict is not Verdict.CONFIRMED for one in slowed),
            len(slowed),
            _MISSED,
            healthy=f"at most {_MISSED:.0%}: each is a regression of known size that was missed",
        ),
    ]


def _share(
    name: str, title: str, count: int, total: int, most: float, *, healthy: str, more: str = ""
) -> Finding:
    """A share that is suspicious if its whole interval lies above the largest healthy one."""
    low, high = wilson(count, total) if total else (None, None)
    found = f"{count} of {total}"
    if low is not None and high is not None:
        found += f" ({count / total:.1%}, 95% interval {low:.1%} to {high:.1%})"
    return Finding(
        name=name,
        title=title,
        found=found + more,
        healthy=healthy,
        health=_judged(total >= FEWEST, low is not None and low > most),
        figures={
            "count": count,
            "total": total,
            "share": count / total if total else None,
            "low": low,
            "high": high,
        },
    )


def _judged(enough: bool, suspicious: bool) -> Health:
    if not enough:
        return Health.UNKNOWN
    return Health.SUSPICIOUS if suspicious else Health.HEALTHY


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
