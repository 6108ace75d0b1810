"""`harness changes`: where the history's figures changed, told from noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option
from harness.cli.output import say
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.analyse.trends import LevelChange, Trend
    from harness.domain.cell import Cell
    from harness.domain.result import Result

JSON_VERSION = 1


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
def list_changes(
    db: Location,
    style: str,
    since: datetime | None,
    only_metrics: tuple[str, ...],
    only: tuple[str, ...],
    worse: bool,
) -> None:
    """List every change of a metric's level over commits, the surest first.

    A series is one metric of one cell on one host in one environment.
    """
    from harness import pipeline
    from harness.analyse.trends import by_significance, trends
    from harness.spec.catalog import find_axes
    from harness.spec.narrow import is_wanted, parse_only

    find_axes()
    wanted = parse_only(only)
    results = [
        one for one in pipeline.results(db, newest_only=False) if is_wanted(one.cell, wanted)
    ]
    found = list(trends(results, _tracked(only_metrics)))
    listed = by_significance(
        one
        for trend in found
        for one in trend.changes()
        if (since is None or _day(one) >= since.date()) and (one.is_worse or not worse)
    )
    if style == "json":
        click.echo(json.dumps(document(listed, found), indent=2))
        return
    if listed:
        click.echo(_table(listed, style))
    if style == "table":
        say(_summary(listed, found, str(db)))


def _tracked(only: Sequence[str]) -> Callable[[Result], Iterable[str]]:
    """The metrics that are followed: those asked for, else all that leaderboards show."""
    from harness import metrics

    shown = [metrics.registry[name] for name in only] or [
        entry for entry in metrics.registry.entries() if entry.leaderboard
    ]
    return lambda result: [one.name for one in shown if one.name in result.metrics]


def document(listed: Sequence[LevelChange], found: Sequence[Trend]) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    judged = [trend for trend in found if trend.steps is not None]
    return {
        "version": JSON_VERSION,
        "changes": [_object(one) for one in listed],
        "series": len(judged),
        "short_series": len(found) - len(judged),
    }


def _object(one: LevelChange) -> dict[str, Any]:
    trend, steps = one.trend, one.trend.steps
    assert steps is not None, "a series with a change was judged"
    return {
        "cell": trend.cell.id,
        "axes": trend.cell.labels,
        "workload": trend.cell.load,
        "host": trend.host.fingerprint,
        "environment": trend.series.environment.digest,
        "metric": trend.metric,
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
        "noise": steps.noise,
        "smallest": steps.smallest,
    }


def _table(listed: Sequence[LevelChange], style: str) -> str:
    from harness.cli.table import table
    from harness.domain.naming import short_names
    from harness.site import words

    cells: list[Cell] = list({one.trend.cell.id: one.trend.cell for one in listed}.values())
    names = short_names(cells)
    hosts = {one.trend.host.fingerprint for one in listed}
    headers = ["change", "metric", "cell", "commit", "date", "subject", "noise", "points", "p"]
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
        ]
        for one in listed
    ]
    if len(hosts) > 1:
        headers.append("host")
        rows = [[*row, str(one.trend.host)] for row, one in zip(rows, listed, strict=True)]
    return table(headers, rows, style)


def _summary(listed: Sequence[LevelChange], found: Sequence[Trend], db: str) -> str:
    from harness.analyse.changes import FEWEST

    judged = sum(trend.steps is not None for trend in found)
    worse = sum(one.is_worse for one in listed)
    counts = f"{worse} worse, {len(listed) - worse} better" if listed else "no change"
    series = f"{judged} series" if judged != 1 else "1 series"
    if not found:
        return f"no results yet in {db}"
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
