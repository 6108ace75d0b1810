"""`harness ceiling`: measure this host's ceilings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import Seconds, db_option, format_option
from harness.cli.output import say
from harness.cli.table import table
from harness.cli.words import ceiling_line
from harness.domain.ceiling import SEARCH_SECONDS
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.dispatch.ceilings import Event, Place
    from harness.domain.ceiling import Ceiling

EXIT_FAILED = 1


@click.command()
@click.option(
    "--hardware",
    default="local",
    show_default=True,
    metavar="NAME",
    help="The hardware: local, cuda, or with options cpu:threads=1.",
)
@click.option("--fresh", is_flag=True, help="Measure all ceilings again, stored or not.")
@click.option(
    "--seconds",
    type=Seconds(min=0.01, max=600),
    default=SEARCH_SECONDS,
    show_default=True,
    metavar="N",
    help="How long to search for each ceiling; a short search finds too low a value.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print the figure of every kernel tried.")
@db_option
@format_option("table", "json")
@click.pass_context
def ceiling(
    ctx: click.Context,
    hardware: str,
    fresh: bool,
    seconds: float,
    verbose: bool,
    db: Location,
    style: str,
) -> None:
    """Measure this host's ceilings: the best it can do.

    The figures are shown beside theory and data sheet. Ceilings that are stored for this host,
    environment and hardware are not measured again.
    """
    from harness import pipeline
    from harness.spec.hardware import parse_hardware

    failures = 0

    def report(event: Event) -> None:
        nonlocal failures
        failures += _is_failure(event)
        say(ceiling_line(event, verbose=verbose))

    place, found = pipeline.ceiling(db, parse_hardware(hardware), report, seconds, fresh=fresh)
    if style == "json":
        click.echo(json.dumps(_document(place, found), indent=2))
    else:
        click.echo(_text(place, found))
    if failures:
        ctx.exit(EXIT_FAILED)


def _is_failure(event: Event) -> bool:
    from harness.ceilings.messages import Missing
    from harness.dispatch.ceilings import Failed

    return isinstance(event, (Failed, Missing))


def _document(place: Place, found: Sequence[Ceiling]) -> dict[str, Any]:
    from harness.dispatch.ceilings import why_no_theory
    from harness.domain.ceiling import tenable

    return {
        "version": 1,
        "host": place.host.fingerprint,
        "host_name": str(place.host),
        "versions": dict(place.environment.versions),
        "hardware": str(place.hardware),
        "ceilings": [one.to_json() for one in tenable(found)],
        "no_theory": why_no_theory(place, found),
    }


def _text(place: Place, found: Sequence[Ceiling]) -> str:
    from harness.domain.ceiling import CeilingKind, buffer_bytes, compared
    from harness.site.format import quantity

    def figure(one: Ceiling | None) -> str:
        return quantity(one.value, one.unit) if one else ""

    rows = compared(found)
    figures = [
        (
            row.name,
            *(figure(row.by_kind.get(kind)) for kind in CeilingKind),
            f"{row.share:.0%}" if row.share else "",
        )
        for row in rows
    ]
    headers = ("ceiling", *map(str, CeilingKind), "reached")
    measured = {
        row.name: row.by_kind[CeilingKind.MEASURED]
        for row in rows
        if CeilingKind.MEASURED in row.by_kind
    }
    # The curve has a dozen sizes: only those with a problem get a line.
    explanations = [
        f"{name}: {one.explanation}"
        for name, one in measured.items()
        if one.is_too_low or buffer_bytes(name) is None
    ]
    return "\n".join(
        [str(place.host), "", table(headers, figures), "", *explanations, *_notes(place, found)]
    )


def _notes(place: Place, found: Sequence[Ceiling]) -> list[str]:
    """What is unknown or too low, and why."""
    from harness.dispatch.ceilings import why_no_theory
    from harness.domain.ceiling import CeilingKind

    notes = []
    if any(one.is_too_low for one in found):
        notes.append(
            "the same command measures ceilings again that are too low: wait for a quiet machine"
        )
    if why := why_no_theory(place, found):
        notes.append(f"no theoretical peak: {why}")
    if not any(one.kind is CeilingKind.DATA_SHEET for one in found):
        notes.append("no data sheet: harness/hardware/datasheets.py does not list this device")
    return notes
