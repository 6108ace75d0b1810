"""`harness changes`: where the history's figures changed, told from noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option
from harness.cli.output import say
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.analyse.changes import Episode, Steps
    from harness.analyse.trends import LevelChange, Trend
    from harness.domain.cell import Cell
    from harness.domain.night import Triage
    from harness.domain.result import Result

JSON_VERSION = 1
OPEN = "open"  # the state of a change that nobody has decided about


@click.group()
def changes() -> None:
    """Find the commits at which figures changed."""


@changes.command("list")
@db_option
@format_option("table", "json", "csv", "markdown")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Only changes at commits of this day or later, e.g. 2026-03-01.",
)
@click.option("--metric", "only_metrics", multiple=True, help="Only this metric. Repeatable.")
@click.option(
    "--only",
    multiple=True,
    metavar="AXIS=VALUE",
    help="Only cells with these values of an axis, e.g. scenario=decode. Repeatable.",
)
@click.option("--worse", is_flag=True, help="Only regressions.")
@click.option("--all", "every", is_flag=True, help="Acknowledged, expected and fixed ones too.")
def list_changes(
    db: Location,
    style: str,
    since: datetime | None,
    only_metrics: tuple[str, ...],
    only: tuple[str, ...],
    worse: bool,
    every: bool,
) -> None:
    """List every change of a metric's level over commits, the surest first.

    A series is one metric of one cell on one host in one environment.
    """
    from harness import stored
    from harness.analyse.trends import by_significance, trends
    from harness.analyse.triage import change_id, newest_decisions
    from harness.spec.catalog import find_axes
    from harness.spec.narrow import is_wanted, parse_only

    find_axes()
    wanted = parse_only(only)
    results = [one for one in stored.results(db, newest_only=False) if is_wanted(one.cell, wanted)]
    found = list(trends(results, _tracked(only_metrics)))
    matching = by_significance(
        one
        for trend in found
        for one in trend.changes()
        if (since is None or _day(one) >= since.date()) and (one.is_worse or not worse)
    )
    decided = newest_decisions(matching, stored.decisions(db))
    listed = [one for one in matching if every or change_id(one) not in decided]
    hidden = len(matching) - len(listed)
    if style == "json":
        click.echo(json.dumps(document(listed, found, decided, hidden), indent=2))
        return
    if listed:
        click.echo(_table(listed, style, decided))
    if style == "table":
        say(_summary(listed, found, str(db), hidden))


def _tracked(only: Sequence[str]) -> Callable[[Result], Iterable[str]]:
    """The metrics that are followed: those asked for, else all that leaderboards show."""
    from harness import metrics

    shown = [metrics.registry[name] for name in only] or [
        entry for entry in metrics.registry.entries() if entry.leaderboard
    ]
    return lambda result: [one.name for one in shown if one.name in result.metrics]


def document(
    listed: Sequence[LevelChange],
    found: Sequence[Trend],
    decided: Mapping[str, Triage],
    hidden: int,
) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    from harness.analyse.triage import change_id

    judged = [trend for trend in found if trend.steps is not None]
    return {
        "version": JSON_VERSION,
        "changes": [change_object(one, decided.get(change_id(one))) for one in listed],
        "hidden": hidden,
        "seen_by_asv_alone": [_alone(one, at) for one in found for at in one.opinion.alone],
        "episodes": [_episode(one, at) for one in judged for at in _steps(one).episodes],
        "series": len(judged),
        "short_series": len(found) - len(judged),
    }


def change_object(one: LevelChange, decision: Triage | None) -> dict[str, Any]:
    """A change with its newest decision, as plain data."""
    from harness.analyse.triage import change_id

    trend, steps = one.trend, _steps(one.trend)
    return {
        "id": change_id(one),
        "state": str(decision.state) if decision else OPEN,
        "note": decision.note if decision else "",
        **_series(trend),
        "unit": trend.unit,
        "worse": one.is_worse,
        "ratio": one.change.ratio,
        "before": one.change.before,
        "after": one.change.after,
        "p": one.change.p,
        "commit": one.first.commit.sha or None,
        "commit_date": one.first.when.isoformat(),
        "commit_before": one.last_before.commit.sha or None,
        "points": one.points,
        "second_opinion": one.second_opinion,
        "noise": steps.noise,
        "smallest": steps.smallest,
    }


def _steps(trend: Trend) -> Steps:
    assert trend.steps is not None, "the series was judged"
    return trend.steps


def _series(trend: Trend) -> dict[str, Any]:
    """What identifies a series."""
    return {
        "cell": trend.cell.id,
        "axes": trend.cell.labels,
        "workload": trend.cell.load,
        "host": trend.host.fingerprint,
        "environment": trend.series.environment.digest,
        "metric": trend.metric,
    }


def _alone(trend: Trend, index: int) -> dict[str, Any]:
    """A step that only asv's detector sees."""
    point = trend.series.points[index]
    return {
        **_series(trend),
        "commit": point.commit.sha or None,
        "commit_date": point.when.isoformat(),
    }


def _episode(trend: Trend, one: Episode) -> dict[str, Any]:
    """A short time away from a level that then came back."""
    points = trend.series.points
    return {
        **_alone(trend, one.start),
        "ratio": one.ratio,
        "points": one.end - one.start,
        "last_commit": points[one.end - 1].commit.sha or None,
    }


def _table(listed: Sequence[LevelChange], style: str, decided: Mapping[str, Triage]) -> str:
    from harness.analyse.triage import change_id
    from harness.cli.table import table
    from harness.domain.naming import short_names
    from harness.site import words

    cells: list[Cell] = list({one.trend.cell.id: one.trend.cell for one in listed}.values())
    names = short_names(cells)
    hosts = {one.trend.host.fingerprint for one in listed}
    headers = [
        "change",
        "metric",
        "cell",
        "commit",
        "date",
        "subject",
        "noise",
        "points",
        "p",
        "asv",
    ]
    rows = [
        [
            f"{one.change.ratio - 1:+.1%} {'worse' if one.is_worse else 'better'}",
            words.title(one.trend.metric),
            names[one.trend.cell.id],
            one.first.commit.sha[:10],
            _day(one).isoformat(),
            one.first.commit.subject,
            f"{one.trend.steps.noise:.1%}" if one.trend.steps else "",
            str(one.points),
            f"{one.change.p:.1g}",
            "agrees" if one.second_opinion else "no step",
        ]
        for one in listed
    ]
    ids = [change_id(one) for one in listed]
    states = [str(decided[one].state) if one in decided else OPEN for one in ids]
    headers = ["id", "state", *headers]
    rows = [[*start, *row] for *start, row in zip(ids, states, rows, strict=True)]
    if len(hosts) > 1:
        headers.append("host")
        rows = [[*row, str(one.trend.host)] for row, one in zip(rows, listed, strict=True)]
    return table(headers, rows, style)


def _summary(listed: Sequence[LevelChange], found: Sequence[Trend], db: str, hidden: int) -> str:
    from harness.analyse.changes import FEWEST

    judged = sum(trend.steps is not None for trend in found)
    worse = sum(one.is_worse for one in listed)
    none = "no open change" if hidden else "no change"
    counts = f"{worse} worse, {len(listed) - worse} better" if listed else none
    counts += f" ({hidden} more with a decision: --all lists them)" if hidden else ""
    series = f"{judged} series" if judged != 1 else "1 series"
    if not found:
        return f"no results yet in {db}"
    episodes = sum(len(trend.steps.episodes) for trend in found if trend.steps)
    if episodes:
        series += f"; {episodes} episode{'' if episodes == 1 else 's'} that came back"
    short = len(found) - judged
    rest = (
        f"; {short} not judged: fewer than {FEWEST} commits, or a value not above zero"
        if short
        else ""
    )
    return f"{counts} in {series}{rest}"


def _day(one: LevelChange) -> date:
    when = one.first.when
    return (when.astimezone(UTC) if when.tzinfo else when).date()
