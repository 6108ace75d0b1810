"""`harness prune`: deletes old raw samples."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option
from harness.cli.output import say
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.transfer import Pruned

JSON_VERSION = 1

_AGE = re.compile(r"(?P<number>[0-9]{1,5}) ?(?P<unit>[dwy])")
_DAYS = {"d": 1, "w": 7, "y": 365}


def _age(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    """The time in a number of days, weeks or years, such as 90d."""
    found = _AGE.fullmatch(text.strip())
    if not found:
        raise click.BadParameter(f"{text!r} is not an age: write 90d, 12w or 1y")
    return timedelta(days=int(found["number"]) * _DAYS[found["unit"]])


@click.command()
@db_option
@click.option(
    "--keep",
    callback=_age,
    required=True,
    metavar="AGE",
    help="Keep the raw samples of rounds younger than this, e.g. 90d.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@format_option("text", "json")
def prune(db: Location, keep: timedelta, dry_run: bool, style: str) -> None:
    """Delete the raw samples of old rounds, and keep everything else.

    All figures, intervals, rounds and facts stay, and so do leaderboards and history. The newest
    result of each cell, host and environment keeps its samples, and so does every round that a
    night's verdict rests on.
    """
    from harness import transfer

    done = transfer.prune(db, keep, dry_run=dry_run)
    if style == "json":
        click.echo(json.dumps(document(done, dry_run=dry_run), indent=2))
    else:
        click.echo(_text(done, dry_run=dry_run))
    if done.not_freed:
        say(f"the database did not shrink, but later results take the space: {done.not_freed}")


def document(done: Pruned, *, dry_run: bool) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    found = done.found
    return {
        "version": JSON_VERSION,
        "dry_run": dry_run,
        "before": done.before.isoformat(),
        "rounds": len(found.rounds),
        "samples": found.samples,
        "documents": found.documents,
        "kept_newest": found.kept_newest,
        "kept_cited": found.kept_cited,
        "freed_bytes": done.freed_bytes,
    }


def _text(done: Pruned, *, dry_run: bool) -> str:
    from harness.spec.units import size_text

    found = done.found
    what = (
        f"{found.samples:,} samples and {found.documents:,} document scores of "
        f"{len(found.rounds):,} rounds"
    )
    kept = (
        f"kept: {found.kept_newest:,} old rounds of newest or unfinished results, "
        f"{found.kept_cited:,} that nights cite"
    )
    if not found.rounds:
        return f"nothing to delete; {kept}"
    if dry_run:
        return f"would delete {what}; {kept}"
    freed = f", {size_text(max(0, done.freed_bytes or 0))} freed"
    return f"deleted {what}{freed}; {kept}"
