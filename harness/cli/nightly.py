"""`harness nightly`: measure the newest commit, and prove what changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.confirmations import as_object
from harness.cli.options import commit_options, format_option

if TYPE_CHECKING:
    from harness.domain.night import Confirmation
    from harness.night.nightly import NightOutcome
    from harness.pipeline import Request

EXIT_FAILED = 1
EXIT_REGRESSION = 3
JSON_VERSION = 1


@click.command()
@commit_options
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.md",
    help="Also write the summary there, as Markdown.",
)
@format_option("table", "json")
@click.option("-q", "--quiet", is_flag=True, help="Print only the summary.")
@click.option("-v", "--verbose", is_flag=True, help="Print every round, and tracebacks.")
@click.pass_context
def nightly(
    ctx: click.Context,
    request: Request,
    report: Path | None,
    style: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Measure the newest commit of the specs' subject, and prove what changed, in one night.

    Where a value leaves the range that its history predicts, the commit and the one before the
    change are measured again in pairs of fresh processes, beside two controls. A second night
    must agree before a change becomes the new level. Killed at any instant, the same command goes
    on.

    \b
    Exit codes: 3 a regression is confirmed, 1 some cell failed or the night is void.
    """
    from harness.cli.night_report import markdown, summary
    from harness.cli.pair_progress import NightProgress
    from harness.domain.night import NightState
    from harness.night.nightly import nightly as run_night

    progress: Any = NightProgress(quiet=quiet or style == "json", verbose=verbose)
    outcome = run_night(request, progress)
    if report is not None:
        report.write_text(markdown(outcome))
    click.echo(json.dumps(document(outcome), indent=2) if style == "json" else summary(outcome))
    if outcome.regressions:
        ctx.exit(EXIT_REGRESSION)
    if outcome.failed or outcome.night.state is NightState.VOID:
        ctx.exit(EXIT_FAILED)


def document(outcome: NightOutcome) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    night = outcome.night
    return {
        "version": JSON_VERSION,
        "night": {
            "id": night.id,
            "state": night.state,
            "reason": night.reason,
            "started": night.started.isoformat(),
            "host": night.host.fingerprint,
            "environment": night.environment.digest,
            "head": night.head.sha,
            "subject": night.head.subject,
            "cells": {str(status): count for status, count in outcome.counts().items()},
            "judged": outcome.judged,
        },
        "confirmations": [confirmation(one) for one in night.confirmations],
    }


def confirmation(one: Confirmation) -> dict[str, Any]:
    """A confirmation with its cell, as JSON."""
    return {
        "cell": one.cell.id,
        "axes": one.cell.labels,
        "workload": one.cell.load,
        "metric": one.metric,
        "unit": one.unit,
        **as_object(one),
        "value": one.value,
        "predicted": [one.predicted_low, one.predicted_high],
    }
