"""`harness changes ack`, `expect` and `fix`: people's decisions about changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli.change_lookup import find_changes
from harness.cli.options import db_option
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.domain.night import TriageState

_ids = click.argument("ids", nargs=-1, required=True, metavar="ID...")


@click.command("ack")
@_ids
@db_option
@click.option("--note", metavar="TEXT", default="", help="A remark, e.g. who looks into it.")
def ack(ids: tuple[str, ...], db: Location, note: str) -> None:
    """Acknowledge changes: people know of them, so the list hides them."""
    from harness.domain.night import TriageState

    _decide(db, ids, TriageState.ACKNOWLEDGED, note)


@click.command("expect")
@_ids
@db_option
@click.option("--note", metavar="TEXT", required=True, help="What the change is the price of.")
def expect(ids: tuple[str, ...], db: Location, note: str) -> None:
    """Mark changes as expected: an intended trade-off."""
    from harness.domain.night import TriageState

    _decide(db, ids, TriageState.EXPECTED, _required(note))


@click.command("fix")
@_ids
@db_option
@click.option("--note", metavar="TEXT", required=True, help="What fixed it, e.g. a commit.")
def fix(ids: tuple[str, ...], db: Location, note: str) -> None:
    """Mark changes as fixed by a later commit."""
    from harness.domain.night import TriageState

    _decide(db, ids, TriageState.FIXED, _required(note))


def _required(note: str) -> str:
    from harness.errors import UsageError

    if not note.strip():
        raise UsageError("--note is empty: say why, for those who come later")
    return note


def _decide(db: Location, ids: tuple[str, ...], state: TriageState, note: str) -> None:
    """Save the decision about every change, or about none if one of the ids is wrong."""
    from datetime import UTC, datetime

    from harness import stored
    from harness.analyse.triage import change_id, code
    from harness.domain.night import Triage
    from harness.subject.commit import author

    found = {change_id(one): one for one in find_changes(db, ids)}
    who, when = author(), datetime.now(UTC)
    made = [
        Triage(
            cell=one.trend.cell.id,
            metric=one.trend.metric,
            host=one.trend.host.fingerprint,
            commit=code(one.first),
            state=state,
            note=note.strip(),
            author=who,
            when=when,
        )
        for one in found.values()
    ]
    stored.decide(db, made)
    for name, one in found.items():
        click.echo(f"{name}: {state} by {who}: {one.trend.metric} at {one.first.commit}")
