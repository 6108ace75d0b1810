"""`harness selfcheck`: how far this machine's numbers can be trusted."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option, only_option, set_option
from harness.cli.output import drawing
from harness.cli.table import table
from harness.domain.location import Location
from harness.domain.naming import short_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.domain.selfcheck import SelfCheck

JSON_VERSION = 1


@click.command()
@click.argument("specs", nargs=-1, metavar="[SPECS]...")
@set_option
@only_option
@db_option
@click.option(
    "--trials",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="Comparisons of each cell.",
)
@format_option("table", "json")
def selfcheck(
    specs: tuple[str, ...],
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    db: Location,
    trials: int,
    style: str,
) -> None:
    """Compare each cell with itself, and count false alarms.

    Every difference found is a false alarm. The default for SPECS is the shipped selfcheck.yaml,
    with one small cell per scenario. The result is stored with the host and shown on the site.
    """
    from harness import pipeline
    from harness.resources import specs as shipped

    request = pipeline.Request(specs or (str(shipped() / "selfcheck.yaml"),), db, overrides, only)
    prepared = pipeline.prepare(request)
    with click.progressbar(
        length=trials * len(prepared.plan.items), label="comparing", file=drawing(), show_pos=True
    ) as bar:
        checks = list(pipeline.selfcheck(prepared, db, trials, lambda: bar.update(1)))
    if style == "json":
        document = {"version": JSON_VERSION, "checks": [_object(one) for one in checks]}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(_table(checks))


def _object(check: SelfCheck) -> dict[str, Any]:
    return {
        **asdict(check),
        "cell": check.cell.id,
        "axes": check.cell.labels,
        "workload": check.cell.load,
        "when": check.when.isoformat(),
    }


def _table(checks: Sequence[SelfCheck]) -> str:
    names = short_names([one.cell for one in checks])
    headers = (
        "cell",
        "metric",
        "comparisons",
        "rounds",
        "false alarms",
        "noise floor",
        "smallest change",
        "coverage",
    )
    rows = [
        (
            names[one.cell.id],
            one.metric,
            str(one.trials),
            f"{one.rounds:.1f}",
            f"{one.false_alarms:.1%}",
            f"{one.noise_floor:.2%}",
            f"{one.smallest_change:.2%}",
            f"{one.coverage:.1%}",
        )
        for one in checks
    ]
    return table(headers, rows)
