"""`harness show`: stored results as a table or as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option
from harness.cli.output import say
from harness.cli.shown import Shown, as_csv, as_table
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.analyse.compare import Speedup
    from harness.analyse.growth import Growth
    from harness.domain.metric import Estimate
    from harness.domain.result import Result

# The version of the JSON document; raised when a key changes its meaning or is removed.
JSON_VERSION = 1


@click.command()
@db_option
@format_option("table", "json", "csv", "markdown")
@click.option(
    "--only",
    multiple=True,
    metavar="AXIS=VALUE",
    help="Show only these values of an axis, e.g. scenario=decode. Repeatable.",
)
@click.option("--status", multiple=True, help="Show only this status, e.g. failed. Repeatable.")
@click.option("--sort", metavar="METRIC", help="Sort by a metric, best first.")
@click.option("--all", "every", is_flag=True, help="Show older results of the same cells too.")
def show(
    db: Location, style: str, only: tuple[str, ...], status: tuple[str, ...], sort: str, every: bool
) -> None:
    """Show the newest stored result of each cell and host."""
    from harness import stored
    from harness.spec.catalog import find_axes
    from harness.spec.narrow import parse_only

    find_axes()
    wanted, statuses = parse_only(only), _statuses(status)
    found = stored.results(db, newest_only=not every)
    kept = [one for one in found if _matches(one, wanted, statuses)]
    if sort:
        kept = _sorted(kept, sort)
    baseline_of = _baseline_of(found)
    if style == "json":
        click.echo(json.dumps(document(kept, found), indent=2))
    elif not kept:
        say(f"no such result in {db}" if found else f"no results yet in {db}")
    else:
        rows = [Shown(one, _speedup(one, baseline_of(one))) for one in kept]
        click.echo(as_csv(rows) if style == "csv" else as_table(rows, style))


def document(kept: Sequence[Result], all_results: Sequence[Result]) -> dict[str, Any]:
    """The JSON document: one object per result; docs/json.md describes every key."""
    from harness.analyse.growth import GROWING, growths

    baselines = _baseline_of(all_results)
    return {
        "version": JSON_VERSION,
        "results": [_object(one, baselines) for one in kept],
        "growth": [_growth(one) for name in GROWING for one in growths(kept, name)],
    }


def _object(one: Result, baseline_of: Callable[[Result], Result | None]) -> dict[str, Any]:
    from harness.analyse.interference import counted_rounds, interference

    run = one.run
    return {
        "cell": one.cell.id,
        "axes": one.cell.labels,
        "workload": one.cell.load,
        "status": str(one.status),
        "reason": one.reason,
        "stop_rule": str(one.stop_rule) if one.stop_rule else None,
        "disturbed": interference(one.rounds),
        "rounds_kept_apart": len(one.rounds) - len(counted_rounds(one.rounds)),
        "not_measured": dict(one.not_measured),
        "assumed": one.assumed,
        "baseline": one.baseline,
        "speedup": _speedup_object(one, baseline_of(one)),
        "provenance": {
            "commit": run.commit.sha or None,
            "branch": run.commit.branch,
            "commit_date": run.commit.date.isoformat() if run.commit.date else None,
            "dirty": bool(run.commit.dirty),
            "host": run.host.fingerprint,
            "host_name": str(run.host),
            "versions": dict(run.environment.versions),
            "specs": {file: asdict(asked) for file, asked in run.specs.items()},
            "seed": run.seed,
            "run": run.id,
            "started": run.started.isoformat(),
            "command": run.command,
        },
        "metrics": {name: _estimate(metric) for name, metric in sorted(one.metrics.items())},
    }


def _growth(one: Growth) -> dict[str, Any]:
    return {
        "axes": one.cell.labels,
        "host": one.host.fingerprint,
        "metric": one.metric,
        "prompts": [length for length, _ in one.points],
        "exponent": _estimate(one.exponent),
    }


def _estimate(metric: Estimate) -> dict[str, Any]:
    return {
        "value": metric.value,
        "unit": metric.unit,
        "better": str(metric.direction),
        "low": metric.low,
        "high": metric.high,
        "rounds": metric.rounds,
        "samples": metric.samples,
    }


def _speedup(one: Result, baseline: Result | None) -> Speedup | None:
    """The speed-up over the baseline in the scenario's headline metric."""
    from harness import scenarios
    from harness.analyse.compare import compared

    if baseline is None:
        return None
    return compared(one, baseline, scenarios.registry[one.cell.scenario.name].headline)


def _speedup_object(one: Result, baseline: Result | None) -> dict[str, Any] | None:
    found = _speedup(one, baseline)
    if found is None:
        return None
    ratio = found.estimate
    return {
        "value": ratio.value,
        "low": ratio.low,
        "high": ratio.high,
        "rounds": ratio.rounds,
        "paired": found.paired,
    }


def _baseline_of(found: Sequence[Result]) -> Callable[[Result], Result | None]:
    """A function that finds a result's baseline, from the same commit, host and environment."""
    by_place = {(one.cell.id, _place(one)): one for one in reversed(found)}

    def baseline_of(one: Result) -> Result | None:
        same = one.baseline is None or one.baseline == one.cell.id
        return None if same else by_place.get((one.baseline or "", _place(one)))

    return baseline_of


def _place(one: Result) -> tuple[str, ...]:
    run = one.run
    return (run.commit.sha, run.commit.dirty, run.host.fingerprint, run.environment.digest)


def _statuses(names: Sequence[str]) -> set[str]:
    from harness.domain.result import Status
    from harness.errors import UnknownName

    for name in names:
        if name not in set(Status):
            raise UnknownName("status", name, Status)
    return set(names)


def _matches(one: Result, wanted: Mapping[str, Sequence[str]], statuses: set[str]) -> bool:
    from harness.spec.narrow import is_wanted

    return (not statuses or one.status in statuses) and is_wanted(one.cell, wanted)


def _sorted(found: Sequence[Result], metric: str) -> list[Result]:
    """Best first; cells without the metric last."""
    from harness import metrics
    from harness.domain.metric import Direction

    sign = -1.0 if metrics.registry[metric].direction is Direction.HIGHER else 1.0

    def key(one: Result) -> tuple[bool, float]:
        estimate = one.metrics.get(metric)
        return (estimate is None, sign * estimate.value if estimate else 0.0)

    return sorted(found, key=key)
