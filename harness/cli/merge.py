"""`harness import` and `harness merge`: adds results from elsewhere to the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import Database, db_option, format_option
from harness.cli.output import say
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.transfer import Merged

JSON_VERSION = 1


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@db_option
@format_option("text", "json")
def import_file(file: Path, db: Location, style: str) -> None:
    """Add the results in a FILE that `harness export jsonl --full` wrote.

    What the database knows already stays as it is, so importing a file again adds nothing.
    """
    from harness import transfer

    _print([transfer.import_file(db, file)], style)


@click.command()
@click.argument(
    "others", nargs=-1, required=True, metavar="OTHER...", type=Database(dir_okay=False)
)
@db_option
@format_option("text", "json")
def merge(others: tuple[Location, ...], db: Location, style: str) -> None:
    """Add the results of other databases, each a file or a URL.

    What the database knows already stays as it is, so merging again adds nothing. The others are
    only read.
    """
    from harness import transfer

    done = []
    for one in transfer.merge(db, others):
        done.append(one)
        if style != "json":
            _print([one], style)
    if style == "json":
        _print(done, style)


def _print(done: Sequence[Merged], style: str) -> None:
    if style == "json":
        click.echo(json.dumps(document(done), indent=2))
        return
    for one in done:
        click.echo(f"{one.source}: {_added(one)}")
        if one.unfinished_results or one.unfinished_nights:
            say(
                f"left there, unfinished: {_counted(one.unfinished_results, 'result')}, "
                f"{_counted(one.unfinished_nights, 'night')}"
            )


def document(done: Sequence[Merged]) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    return {
        "version": JSON_VERSION,
        "sources": [
            {
                "source": one.source,
                "added": dict(one.added),
                "unfinished_results": one.unfinished_results,
                "unfinished_nights": one.unfinished_nights,
            }
            for one in done
        ],
    }


def _added(one: Merged) -> str:
    """For example `3 runs, 1 night added`."""
    parts = [_counted(count, kind.removesuffix("s")) for kind, count in one.added.items() if count]
    return f"{', '.join(parts)} added" if parts else "nothing new"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 or what == "triage" else f"{count:,} {what}s"
