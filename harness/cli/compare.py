"""`harness compare A B`: what stored results say about two commits, runs, hosts or cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option
from harness.cli.output import say
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.analyse.sides import Side
    from harness.cli.comparison import Row
    from harness.cli.sides import Stored
    from harness.domain.night import Night

JSON_VERSION = 1


@click.command()
@click.argument("a")
@click.argument("b")
@db_option
@format_option("table", "json", "markdown")
@click.option(
    "--metric",
    "extra",
    multiple=True,
    metavar="NAME",
    help="Compare this metric too, beside each scenario's headline. Repeatable.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="AXIS=VALUE",
    help="Only cells with these values of an axis, e.g. scenario=decode. Repeatable.",
)
@click.option(
    "--same",
    default="3%",
    show_default=True,
    metavar="SHARE",
    help="A difference that is surely smaller counts as none.",
)
@click.option(
    "--fail-on",
    "reasons",
    multiple=True,
    metavar="REASON",
    help="slower, worse (exit code 3), failed, not-run (1); slower:3% from that size. Repeatable.",
)
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The git repository that knows the commits' names. [default: the harness's own]",
)
@click.pass_context
def compare(
    ctx: click.Context,
    a: str,
    b: str,
    db: Location,
    style: str,
    extra: tuple[str, ...],
    only: tuple[str, ...],
    same: str,
    reasons: tuple[str, ...],
    repo: Path | None,
) -> None:
    """Compare two commits by their stored results; nothing is measured.

    A and B are commits (a sha, a tag, a branch, HEAD~1), runs (run:12), hosts (host:FINGERPRINT)
    or cells (cell:ID); a prefix is enough. A is the base: +5% means that B has 5% more.
    """
    from harness.analyse.judging import judge
    from harness.analyse.sides import matches
    from harness.cli import compared
    from harness.cli.fail_on import failures, parse_fail_on, share_of
    from harness.cli.sides import two_sides
    from harness.errors import UsageError

    margin, wanted_failures = share_of(same, "--same"), parse_fail_on(reasons)
    stored, nights = _stored(db, repo, only)
    if not stored.commits and not stored.results:
        raise UsageError(f"no results in {db}" + (" of such cells" if only else ""))
    base, head = two_sides(a, b, stored)
    metrics_of = compared.wanted_metrics(extra, base, head)
    confirmed = compared.confirmed(base, head, nights)
    found = matches(base, head)
    found += compared.pairs_only(found, confirmed)
    judged = judge(found, metrics_of, stored.results, compared.finder(confirmed), margin)
    rows = compared.rows(judged, base)
    _print(rows, base, head, style, margin)
    _say_what_is_missing(rows, extra)
    code, lines = failures(rows, wanted_failures)
    for line in lines:
        say(f"failed: {line}")
    if code:
        ctx.exit(code)


def _stored(db: Location, repo: Path | None, only: Sequence[str]) -> tuple[Stored, list[Night]]:
    """The results and nights, with the cells that are wanted."""
    from dataclasses import replace

    from harness.cli.sides import Stored
    from harness.domain.night import NightState
    from harness.spec.catalog import find_axes
    from harness.spec.narrow import is_wanted, parse_only
    from harness.store import StoreReader
    from harness.subject.code import HARNESS
    from harness.subject.commit import has_code

    find_axes()
    wanted = parse_only(only)
    with StoreReader(db) as store:
        results = store.results(newest_only=False)
        nights = [one for one in store.nights() if one.state is NightState.DONE]
    results = [one for one in results if is_wanted(one.cell, wanted)]
    nights = [
        replace(
            night,
            confirmations=tuple(one for one in night.confirmations if is_wanted(one.cell, wanted)),
        )
        for night in nights
    ]
    paired = [one for night in reversed(nights) for one in night.confirmations]
    commits = [one.run.commit for one in results]
    commits += [commit for one in paired for commit in (one.head, one.base)]
    folder = repo or (HARNESS if has_code(HARNESS) else None)
    return Stored(results, commits, folder, str(db)), nights


def _print(rows: Sequence[Row], base: Side, head: Side, style: str, margin: float) -> None:
    from harness.cli.comparison import as_markdown, as_objects, as_table, counts, summary

    heading = f"A: {_heading(base)}; B: {_heading(head)}"
    if style == "markdown":
        click.echo(as_markdown(rows, heading))
    elif style == "table":
        click.echo(as_table(rows, heading))
    else:
        document = {
            "version": JSON_VERSION,
            "a": _side_object(base),
            "b": _side_object(head),
            "same": margin,
            "summary": summary(rows),
            "counts": counts(rows),
            "rows": as_objects(rows),
        }
        click.echo(json.dumps(document, indent=2))


def _heading(side: Side) -> str:
    commit = side.commit
    return f"{side.name} {commit.subject}".strip() if commit else side.name


def _side_object(side: Side) -> dict[str, Any]:
    commit = side.commit
    return {
        "asked": side.asked,
        "kind": str(side.kind),
        "id": side.id,
        "name": side.name,
        "commit": (commit.sha or None) if commit else None,
        "dirty": bool(commit.dirty) if commit else None,
        "subject": commit.subject if commit else None,
    }


def _say_what_is_missing(rows: Sequence[Row], extra: Sequence[str]) -> None:
    known = {row.metric for row in rows}
    for name in extra:
        if name not in known:
            say(f"no compared cell has the metric {name}")
