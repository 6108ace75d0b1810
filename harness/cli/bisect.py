"""`harness bisect`: find the commit that changed a cell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import format_option, recalled_commit_options
from harness.cli.pair_progress import NightProgress, verdict_text

if TYPE_CHECKING:
    from harness.analyse.bisection import Place
    from harness.domain.run import Commit
    from harness.night.bisect import BisectOutcome
    from harness.pipeline import Request

EXIT_UNKNOWN = 1
JSON_VERSION = 1


@click.command()
@click.argument("cell")
@click.argument("good")
@click.argument("bad")
@recalled_commit_options
@format_option("table", "json")
@click.option("-v", "--verbose", is_flag=True, help="Print every round.")
@click.pass_context
def bisect(
    ctx: click.Context,
    cell: str,
    good: str,
    bad: str,
    request: Request,
    style: str,
    verbose: bool,
) -> None:
    """Find the commit between GOOD and BAD that changed CELL, one of the cells of SPECS.

    CELL is the beginning of its id, as `harness changes list` and `harness show` print it. Each
    step measures a commit and the good one in pairs, until the data tells on which side of the
    change it lies. A commit that cannot be judged is left out, and the culprit is measured against
    the commit before it. Measurements are kept: the same command goes on.

    \b
    Exit codes: 0 the commit is found, 1 the data cannot tell.
    """
    from harness.night.bisect import bisect as run_bisect

    progress: Any = _Progress(quiet=style == "json", verbose=verbose)
    outcome = run_bisect(request, cell, good, bad, progress)
    if style == "json":
        click.echo(json.dumps(document(outcome), indent=2))
    else:
        click.echo(_text(outcome))
    if outcome.culprit is None:
        ctx.exit(EXIT_UNKNOWN)


class _Progress(NightProgress):
    def judged(self, commit: Commit, place: Place, reason: str, steps_left: int) -> None:
        """Report a step."""
        why = f" ({reason})" if reason else ""
        self._say(f"{place}: {commit} {commit.subject}{why}; about {steps_left} steps left")


def document(outcome: BisectOutcome) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    from harness.cli.nightly import confirmation

    culprit = outcome.culprit
    return {
        "version": JSON_VERSION,
        "culprit": culprit.sha if culprit else None,
        "suspects": [one.sha for one in outcome.suspects],
        "whole": confirmation(outcome.whole),
        "verified": confirmation(outcome.verified) if outcome.verified else None,
    }


def _text(outcome: BisectOutcome) -> str:
    if not outcome.suspects:
        return f"the two commits cannot be told apart: {verdict_text(outcome.whole)}"
    if outcome.culprit is not None:
        assert outcome.verified is not None
        commit = outcome.culprit
        return f"{commit.sha} {commit.subject}\nis the commit: {verdict_text(outcome.verified)}"
    names = "\n".join(f"  {one} {one.subject}" for one in outcome.suspects)
    if outcome.verified is not None:
        why = verdict_text(outcome.verified)
        return f"probably this commit, but measured against the one before: {why}\n{names}"
    return f"one of these commits; the data cannot tell which:\n{names}"
