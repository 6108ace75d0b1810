"""`harness run`: measure what the specs declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli.options import spec_options

if TYPE_CHECKING:
    from harness.pipeline import Outcome, Request

EXIT_FAILED = 1


@click.command()
@spec_options
@click.option("-q", "--quiet", is_flag=True, help="Print only failures.")
@click.option("-v", "--verbose", is_flag=True, help="Print every round, and tracebacks.")
@click.pass_context
def run(ctx: click.Context, request: Request, quiet: bool, verbose: bool) -> None:
    """Measure every cell of SPECS and store the results.

    SPECS are files or quoted globs. Cells that are already measured for this commit, host and
    environment are not measured again. Ctrl-C stops at once and keeps all measurements; the same
    command continues from there.
    """
    from harness import pipeline
    from harness.cli.progress import watcher

    outcome = pipeline.run(request, watcher(quiet=quiet, verbose=verbose))
    if not quiet:
        click.echo(_closing(outcome, request))
    if outcome.failed:
        ctx.exit(EXIT_FAILED)


def _closing(outcome: Outcome, request: Request) -> str:
    counts = ", ".join(f"{number} {status}" for status, number in outcome.counts().items())
    db = "" if request.db_is_default else f" --db {request.db}"
    return f"{counts}; see `harness show{db}`, or `harness site{db}` for the leaderboard"
