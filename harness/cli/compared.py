"""From stored results and pairs of rounds to the rows that `harness compare` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from harness import metrics, scenarios
from harness.analyse.judging import Wanted
from harness.analyse.outcomes import Judged, reversed_confirmation
from harness.analyse.sides import Kind, Match, Side
from harness.cli.comparison import Row, is_speed
from harness.cli.words import estimate_text
from harness.domain.metric import Estimate
from harness.domain.naming import short_names
from harness.domain.night import Confirmation, Night, Role
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.domain.cell import Cell
    from harness.domain.run import Commit

# By cell, host, environment and metric.
Confirmed: TypeAlias = Mapping[tuple[str, str, str, str], tuple[Confirmation, Night]]


def confirmed(base: Side, head: Side, nights: Iterable[Night]) -> Confirmed:
    """What the newest pairs of rounds at exactly these two commits say."""
    found: dict[tuple[str, str, str, str], tuple[Confirmation, Night]] = {}
    if {base.kind, head.kind} != {Kind.COMMIT} or base.commit is None or head.commit is None:
        return found
    ours, theirs = _key(base.commit), _key(head.commit)
    for night in nights:
        for one in night.confirmations:
            if one.role not in {Role.SUSPECT, Role.REQUESTED}:
                continue
            sides = (_key(one.base), _key(one.head))
            if sides not in {(ours, theirs), (theirs, ours)}:
                continue
            turned = one if sides == (ours, theirs) else reversed_confirmation(one)
            place = (one.cell.id, night.host.fingerprint, night.environment.digest, one.metric)
            found[place] = (turned, night)
    return found


def _key(commit: Commit) -> tuple[str, str]:
    return commit.sha, commit.dirty


def finder(confirmed: Confirmed) -> Callable[[Match, str], Confirmation | None]:
    """A function that finds what pairs of rounds say about a metric of a match."""

    def find(match: Match, metric: str) -> Confirmation | None:
        cell, host, environment = match.place
        found = confirmed.get((cell.id, host.fingerprint, environment.digest, metric))
        return found[0] if found else None

    return find


def pairs_only(found: Iterable[Match], confirmed: Confirmed) -> list[Match]:
    """The places at which only pairs of rounds were measured."""
    places = set()
    for match in found:
        cell, host, environment = match.place
        places.add((cell.id, host.fingerprint, environment.digest))
    alone = {key[:3]: value for key, value in confirmed.items() if key[:3] not in places}
    return [
        Match((), (), cell=one.cell, host=night.host, environment=night.environment)
        for one, night in alone.values()
    ]


def wanted_metrics(
    extra: Sequence[str], base: Side, head: Side
) -> Callable[[Match], Iterable[Wanted]]:
    """The metrics of a match: its scenario's headline, and those asked for.

    Raises UnknownName for a metric that is none, and UsageError if two cells have no headline in
    common and no metric is asked for.
    """
    for name in extra:
        metrics.registry[name]  # raises if there is none

    def headline(cell: Cell) -> str:
        name = cell.scenario.name
        return scenarios.registry[name].headline if name in scenarios.registry else ""

    shared = True
    if base.kind is Kind.CELL:
        ours, theirs = (headline(side.results[0].cell) for side in (base, head))
        shared = ours == theirs
        if not shared and not extra:
            raise UsageError(
                f"the two cells are ranked by different metrics, {ours} and {theirs}: "
                "name one with --metric"
            )

    def wanted(match: Match) -> list[Wanted]:
        first = headline(match.place[0]) if shared else ""
        names = dict.fromkeys(name for name in (first, *extra) if name)
        return [Wanted(name, is_speed(name), headline=name == first) for name in names]

    return wanted


def rows(judged: Sequence[Judged], base: Side) -> list[Row]:
    """The rows, named by what sets each apart from the others."""
    names = short_names(
        list({one.match.place[0].id: one.match.place[0] for one in judged}.values())
    )
    hosts = {one.match.place[1].fingerprint: str(one.match.place[1]) for one in judged}
    alike = len({*hosts.values()}) < len(hosts)
    software: dict[tuple[str, str], set[str]] = {}
    for one in judged:
        cell, host, environment = one.match.place
        software.setdefault((cell.id, host.fingerprint), set()).add(environment.digest)
    of_cells = base.kind is Kind.CELL

    def name(one: Judged) -> str:
        cell, host, environment = one.match.place
        parts = [] if of_cells else [names[cell.id]]
        if of_cells or (len(hosts) > 1 and base.kind is not Kind.HOST):
            parts.append(f"on {host}" + (f" ({host.fingerprint})" if alike else ""))
        if len(software[cell.id, host.fingerprint]) > 1:
            parts.append(f"with software {environment.digest}")
        return " ".join(parts)

    return [_row(one, name(one)) for one in judged]


def _row(one: Judged, name: str) -> Row:
    cell, host, environment = one.match.place
    found = one.difference
    by_pairs = one.confirmation
    return Row(
        name,
        one.metric,
        one.outcome,
        found.ratio if found else None,
        found.low if found else None,
        found.high if found else None,
        found.p if found else None,
        note=one.note or (f"by {found.pairs} pairs of rounds" if found and found.pairs else ""),
        a=_value_text(one, one.base),
        b=_value_text(one, one.head),
        head_fault=one.head_fault,
        data={
            "a": one.base,
            "b": one.head,
            "unit": one.unit,
            "cell": cell.id,
            "axes": cell.labels,
            "workload": cell.load,
            "host": host.fingerprint,
            "environment": environment.digest,
            "runs_a": [result.run.id for result in one.match.base],
            "runs_b": [result.run.id for result in one.match.head],
            "pairs": found.pairs if found else 0,
            "confirmation": by_pairs.id if by_pairs else None,
        },
    )


def _value_text(one: Judged, value: float | None) -> str:
    if value is None:
        return ""
    # With as many samples as any metric asks for, so that no note stands beside the value.
    exact = Estimate(value, value, value, one.unit, one.direction, 3, 1000)
    return estimate_text(one.metric, exact)
