"""`harness gate`: measure whether a branch makes anything slower."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import format_option, recalled_commit_options

if TYPE_CHECKING:
    from harness.night.gate import GateOutcome
    from harness.pipeline import Request

EXIT_FAILED = 1
EXIT_REGRESSION = 3
JSON_VERSION = 1


@click.command()
@click.argument("base")
@recalled_commit_options
@click.option("--head", default="HEAD", show_default=True, help="The commit to compare with BASE.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.md",
    help="Also write the result there, as Markdown.",
)
@format_option("table", "json", "markdown")
@click.option("-q", "--quiet", is_flag=True, help="Print only the result.")
@click.option("-v", "--verbose", is_flag=True, help="Print every round.")
@click.pass_context
def gate(
    ctx: click.Context,
    base: str,
    request: Request,
    head: str,
    report: Path | None,
    style: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Measure BASE and a newer commit in pairs of fresh processes, and say what changed.

    Both commits are installed in environments of their own. Uncommitted changes are not measured.

    \b
    Exit codes: 3 something is slower, 1 a cell failed or a control did.
    """
    from harness.cli.gate_report import markdown, table_text
    from harness.cli.pair_progress import NightProgress
    from harness.domain.night import NightState
    from harness.night.gate import gate as run_gate

    progress: Any = NightProgress(quiet=quiet or style != "table", verbose=verbose)
    outcome = run_gate(request, base, head, progress)
    if report is not None:
        report.write_text(markdown(outcome))
    if style == "json":
        click.echo(json.dumps(document(outcome), indent=2))
    else:
        click.echo(markdown(outcome) if style == "markdown" else table_text(outcome))
    if outcome.regressions:
        ctx.exit(EXIT_REGRESSION)
    if outcome.failed or outcome.night.state is NightState.VOID:
        ctx.exit(EXIT_FAILED)


def document(outcome: GateOutcome) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    from harness.cli.nightly import confirmation

    night = outcome.night
    return {
        "version": JSON_VERSION,
        "state": night.state,
        "reason": night.reason,
        "head": night.head.sha,
        "host": night.host.fingerprint,
        "confirmations": [confirmation(one) for one in night.confirmations],
        "skipped": dict(outcome.skipped),
    }
