"""`harness site`: build the leaderboard site."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import DEFAULT_SITE, db_option
from harness.cli.output import say
from harness.domain.location import Location


@click.command()
@db_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_SITE,
    show_default=True,
    help="The folder to write.",
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def site(db: Location, out: Path, open_it: bool) -> None:
    """Build the static leaderboard site from the stored results."""
    from harness import pipeline
    from harness.spec.catalog import find_axes

    find_axes()
    index = pipeline.site(db, out)
    click.echo(f"the leaderboard is {index.resolve().as_uri()}")
    if open_it and click.launch(str(index)):
        say("no browser could be opened")
