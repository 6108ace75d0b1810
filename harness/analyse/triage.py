"""Changes by id: the decisions that people made about them, and the nights that measured them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.analyse.history import Point
from harness.analyse.trends import LevelChange
from harness.domain.night import Confirmation, Night, Role, Triage
from harness.domain.run import Commit
from harness.errors import UnknownName, UsageError

ID_DIGITS = 12
_LISTED = 5  # changes that the message about an ambiguous id names
# New points may move a change to a neighbouring commit. A level has at least three points, so at
# this distance a decision still belongs to one change only.
_NEAR = 1


def change_id(one: LevelChange) -> str:
    """12 hexadecimal digits that identify a change: the same as long as its first commit is."""
    trend = one.trend
    place = [
        trend.cell.id,
        trend.metric,
        trend.host.fingerprint,
        trend.series.environment.digest,
        code(one.first),
    ]
    return hashlib.sha256(json.dumps(place).encode()).hexdigest()[:ID_DIGITS]


def code(point: Point) -> str:
    """The code that a point measured: its commit's sha, and the digest of a dirty tree.

    Outside git only the time of the run distinguishes states of the code.
    """
    commit = point.commit
    if not commit.sha:
        return point.when.isoformat()
    return f"{commit.sha}+{commit.dirty}" if commit.dirty else commit.sha


def chosen(prefix: str, changes: Iterable[LevelChange]) -> LevelChange:
    """The change whose id begins so. Raises UsageError if there is none, or more than one."""
    known = {change_id(one): one for one in changes}
    found = [name for name in known if prefix and name.startswith(prefix.lower())]
    if len(found) == 1:
        return known[found[0]]
    if not found:
        raise UnknownName("change", prefix, known)
    named = [f"{name} ({known[name].trend.metric})" for name in sorted(found)[:_LISTED]]
    more = f" and {len(found) - _LISTED:,} more" if len(found) > _LISTED else ""
    raise UsageError(
        f"change {prefix!r} is ambiguous: {len(found)} changes begin so: {', '.join(named)}{more}"
    )


def decisions(one: LevelChange, saved: Iterable[Triage]) -> list[Triage]:
    """The decisions about a change, in the order in which they were saved: the last one counts.

    A decision names a cell, a metric, a host and a commit. It holds in every environment, and
    for a change that new results moved to a neighbouring commit.
    """
    trend, index = one.trend, one.change.index
    near = trend.series.points[max(index - _NEAR, 0) : index + _NEAR + 1]
    commits = {code(point) for point in near}
    place = (trend.cell.id, trend.metric, trend.host.fingerprint)
    return [
        each
        for each in saved
        if (each.cell, each.metric, each.host) == place and each.commit in commits
    ]


def newest_decisions(changes: Iterable[LevelChange], saved: Sequence[Triage]) -> dict[str, Triage]:
    """The decision that counts, by the change's id; without the changes that have none."""
    by_cell: defaultdict[str, list[Triage]] = defaultdict(list)
    for each in saved:
        by_cell[each.cell].append(each)
    found = {change_id(one): decisions(one, by_cell[one.trend.cell.id]) for one in changes}
    return {name: about[-1] for name, about in found.items() if about}


def confirmations(one: LevelChange, nights: Iterable[Night]) -> list[tuple[Night, Confirmation]]:
    """The nights that measured the change again: from a commit before it to one after it.

    They compared the same metric of the same cell on the same kind of host and in the same
    environment. Void nights are among them, although nothing that they found counts.
    """
    trend = one.trend
    place = (trend.host.fingerprint, trend.series.environment.digest)
    points = enumerate(trend.series.points)
    order = {_code(point.commit): number for number, point in points if point.commit.sha}
    return [
        (night, found)
        for night in nights
        if (night.host.fingerprint, night.environment.digest) == place
        for found in night.confirmations
        if found.role in {Role.SUSPECT, Role.REQUESTED}
        and (found.cell.id, found.metric) == (trend.cell.id, trend.metric)
        and _is_before(found.base, one, order)
        and not _is_before(found.head, one, order)
    ]


def _is_before(commit: Commit, one: LevelChange, order: Mapping[tuple[str, str], int]) -> bool:
    """True if the commit has the old level; by its date if the series does not hold it."""
    if _code(commit) in order:
        return order[_code(commit)] < one.change.index
    return commit.date is not None and commit.date < one.first.when


def _code(commit: Commit) -> tuple[str, str]:
    return commit.sha, commit.dirty
