"""`harness changes audit`: whether the alarms of nights can be trusted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option
from harness.cli.output import say
from harness.cli.table import table
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.analyse.audit import Finding

JSON_VERSION = 1


@click.command("audit")
@db_option
@format_option("table", "json")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Only nights of this day or later, e.g. 2026-03-01.",
)
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The git repository of the measured commits. [default: the harness's own]",
)
def audit(db: Location, style: str, since: datetime | None, repo: Path | None) -> None:
    """Audit the alarms of all nights: whether they behave like real changes, or like noise.

    Each line says what a healthy value would be.
    """
    from harness import stored
    from harness.spec.catalog import find_axes

    find_axes()
    start = since.replace(tzinfo=UTC) if since else None
    nights = [one for one in stored.nights(db) if start is None or one.started >= start]
    found = stored.audit(nights, repo)
    if style == "json":
        click.echo(json.dumps(document(found, len(nights)), indent=2))
    elif not nights:
        say(f"no such night in {db}" if since else f"no nights yet in {db}")
    else:
        rows = [[str(one.health), one.title, one.found, one.healthy] for one in found]
        click.echo(table(["", "what", "found", "healthy"], rows))
        say(_summary(found, len(nights)))


def document(found: Sequence[Finding], nights: int) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    return {
        "version": JSON_VERSION,
        "nights": nights,
        "findings": [{**asdict(one), "health": str(one.health)} for one in found],
    }


def _summary(found: Sequence[Finding], nights: int) -> str:
    from harness.analyse.audit import Health

    suspicious = sum(one.health is Health.SUSPICIOUS for one in found)
    unknown = sum(one.health is Health.UNKNOWN for one in found)
    counted = f"{nights} night{'' if nights == 1 else 's'}"
    return f"{counted}: {suspicious} of {len(found)} findings suspicious, {unknown} not known"
