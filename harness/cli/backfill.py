"""`harness backfill`: give a history to a repository that has none yet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from harness.cli.options import commit_options
from harness.cli.output import say

if TYPE_CHECKING:
    from harness.domain.run import Commit
    from harness.pipeline import Request

EXIT_FAILED = 1


@click.command()
@click.argument("revisions", metavar="RANGE")
@commit_options
@click.option(
    "--every", type=click.IntRange(1), default=1, show_default=True, help="Every n-th commit."
)
@click.option(
    "--first-parent/--all-commits",
    default=True,
    show_default=True,
    help="Only the branch itself, or also the commits that it merged.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only failures.")
@click.option("-v", "--verbose", is_flag=True, help="Print every round, and tracebacks.")
@click.pass_context
def backfill(
    ctx: click.Context,
    revisions: str,
    request: Request,
    every: int,
    first_parent: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Measure old commits: RANGE is what git understands, e.g. HEAD~20..HEAD or v1.0..main.

    Each commit is installed in an environment of its own and measured with today's harness, so
    that only the subject varies. Commits that are measured already are not measured again: the
    same command goes on after an interruption. A commit that cannot be installed is a result.
    """
    from harness.cli.progress import watcher
    from harness.night.backfill import backfill as run_backfill
    from harness.night.backfill import commits_of

    subject, commits = commits_of(request, revisions, every, first_parent=first_parent)
    number = 0

    def building(commit: Commit) -> None:
        nonlocal number
        number += 1
        if not quiet:
            say(f"commit {number} of {len(commits)}: {commit} {commit.subject}")

    failed = broken = 0
    watching = partial(watcher, quiet=quiet, verbose=verbose)
    for done in run_backfill(request, subject, commits, watching, building):
        if done.outcome is None:
            broken += 1
            say(done.reason)
        elif done.outcome.failed:
            failed += 1
    if not quiet:
        click.echo(_closing(len(commits), broken, failed, request))
    if failed or broken:
        ctx.exit(EXIT_FAILED)


def _closing(commits: int, broken: int, failed: int, request: Request) -> str:
    db = "" if request.db_is_default else f" --db {request.db}"
    parts = [f"{commits - broken} of {commits} commits measured"]
    if broken:
        parts.append(f"{broken} could not be installed")
    if failed:
        parts.append(f"{failed} with failed cells")
    look = "show --all" if broken == commits else "changes list"
    return f"{', '.join(parts)}; see `harness {look}{db}`"
