"""`harness run`: measure what the specs declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli.options import spec_options, within_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.pipeline import Outcome, Request

EXIT_FAILED = 1
_LISTED = 10  # cells that the closing lines name


@click.command()
@spec_options
@within_option
@click.option("-q", "--quiet", is_flag=True, help="Print only failures.")
@click.option("-v", "--verbose", is_flag=True, help="Print every round, and tracebacks.")
@click.pass_context
def run(ctx: click.Context, request: Request, quiet: bool, verbose: bool) -> None:
    """Measure every cell of SPECS and store the results.

    SPECS are files or quoted globs. Cells that are already measured for this commit, host and
    environment are not measured again. Ctrl-C stops at once and keeps all measurements; the same
    command continues from there. With --within the run stops by itself. What the specs expect
    (`expect`) is judged at the end.
    """
    from harness import pipeline
    from harness.cli.expectations import report
    from harness.cli.progress import watcher

    outcome = pipeline.run(request, watcher(quiet=quiet, verbose=verbose))
    if not quiet:
        for line in _left(outcome, _LISTED if not verbose else len(outcome.statuses)):
            click.echo(line)
        click.echo(_closing(outcome, request))
    for line in report(outcome.judged, quiet=quiet):
        click.echo(line)
    if outcome.failed or outcome.judged.failures:
        ctx.exit(EXIT_FAILED)


def _closing(outcome: Outcome, request: Request) -> str:
    from harness.domain.result import Status

    # The run is over: a cell that is still to be measured was not reached.
    words = {Status.MEASURING: "not reached"}
    counts = ", ".join(
        f"{number} {words.get(status, status)}" for status, number in outcome.counts().items()
    )
    db = "" if request.db_is_default else f" --db {request.db}"
    return f"{counts}; see `harness show{db}`, or `harness site{db}` for the leaderboard"


def _left(outcome: Outcome, most: int) -> Iterator[str]:
    """A line for each reason why cells are left for the next run, with up to `most` names."""
    from harness.domain.naming import short_names
    from harness.errors import listed

    names = short_names([end.item.cell for end in outcome.unfinished])
    reasons: dict[str, list[str]] = {}
    for end in outcome.unfinished:
        why = "with fewer rounds than they need" if end.metrics else "not reached"
        why += f": {end.reason}" if end.reason else ""
        reasons.setdefault(why, []).append(names[end.item.cell.id])
    for why, cells in reasons.items():
        count = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
        yield f"left for the next run: {count} {why} ({listed(cells, most)})"
