"""`harness changes show`: one change, with all that is known about it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from harness.cli.change_lookup import find_changes
from harness.cli.changes import JSON_VERSION, change_object
from harness.cli.confirmations import as_object
from harness.cli.options import db_option, format_option
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.analyse.history import Point
    from harness.analyse.trends import LevelChange
    from harness.domain.night import Confirmation, Night, Triage

    Looks: TypeAlias = Sequence[tuple[Night, Confirmation]]


@click.command("show")
@click.argument("change", metavar="ID")
@db_option
@format_option("table", "json")
def show_change(change: str, db: Location, style: str) -> None:
    """Show one change: its size, its commits, and the nights that measured it again.

    ID comes from `harness changes list`; its first digits suffice.
    """
    from harness import stored
    from harness.analyse.triage import confirmations, decisions

    (one,) = find_changes(db, [change])
    looks = confirmations(one, stored.nights(db))
    made = decisions(one, stored.decisions(db))
    if style == "json":
        click.echo(json.dumps(document(one, looks, made), indent=2))
    else:
        click.echo("\n".join(_text(one, looks, made)))


def document(one: LevelChange, looks: Looks, made: Sequence[Triage]) -> dict[str, Any]:
    """The JSON document; docs/json.md describes every key."""
    return {
        "version": JSON_VERSION,
        "change": change_object(one, made[-1] if made else None),
        "subject": one.first.commit.subject,
        "subject_before": one.last_before.commit.subject,
        "log": log_command(one) or None,
        "bisect": bisect_command(one) or None,
        "confirmations": [_confirmation(night, found) for night, found in looks],
        "decisions": [
            {
                "state": str(each.state),
                "note": each.note,
                "author": each.author,
                "when": each.when.isoformat(),
            }
            for each in made
        ],
    }


def log_command(one: LevelChange) -> str:
    """The command that lists the commits between the levels; "" if there are none to list."""
    good, bad = one.last_before.commit.sha, one.first.commit.sha
    return f"git log --oneline {shlex.quote(f'{good}..{bad}')}" if _differ(one) else ""


def bisect_command(one: LevelChange) -> str:
    """The command that finds the first commit of the new level; "" if there is none to find."""
    good, bad = one.last_before.commit.sha, one.first.commit.sha
    return shlex.join(["harness", "bisect", one.trend.cell.id, good, bad]) if _differ(one) else ""


def _differ(one: LevelChange) -> bool:
    good, bad = one.last_before.commit.sha, one.first.commit.sha
    return bool(good and bad and good != bad)


def _confirmation(night: Night, one: Confirmation) -> dict[str, Any]:
    return {
        "night": night.id,
        "kind": night.kind,
        "started": night.started.isoformat(),
        "state": night.state,
        **as_object(one),
    }


def _text(one: LevelChange, looks: Looks, made: Sequence[Triage]) -> Iterator[str]:
    facts = list(_facts(one, made))
    width = max(len(name) for name, _ in facts)
    yield from (f"{name:<{width}}  {value}" for name, value in facts)
    yield ""
    yield from _looks_text(one, looks)
    yield ""
    yield from _decisions_text(made)


def _facts(one: LevelChange, made: Sequence[Triage]) -> Iterator[tuple[str, str]]:
    from harness.analyse.triage import change_id
    from harness.site import words

    trend, steps = one.trend, one.trend.steps
    assert steps is not None, "a series with a change was judged"
    versions = sorted(trend.series.environment.versions.items())
    yield "change", change_id(one)
    yield "metric", f"{words.title(trend.metric)} ({words.better(trend.direction)})"
    yield "cell", f"{trend.cell} ({trend.cell.id})"
    yield "host", f"{trend.host} ({trend.host.fingerprint})"
    yield "environment", ", ".join(f"{name} {version}" for name, version in versions)
    yield "before", _quantity(one, one.change.before)
    yield "after", f"{_quantity(one, one.change.after)}, at {one.points} commits"
    yield "effect", f"{one.change.ratio - 1:+.1%} {'worse' if one.is_worse else 'better'}"
    yield "noise", f"{steps.noise:.1%}; five commits would show a change of {steps.smallest:.1%}"
    yield "p", f"{one.change.p:.1g}"
    yield "state", _decision(made[-1]) if made else "open"
    yield "last before", _commit(one.last_before)
    yield "first after", _commit(one.first)
    if _differ(one):
        yield "list them", log_command(one)
        yield "bisect", bisect_command(one)


def _quantity(one: LevelChange, value: float) -> str:
    from harness.site import words
    from harness.site.format import quantity

    return quantity(value, words.unit_of(one.trend.metric, one.trend.unit))


def _commit(point: Point) -> str:
    from harness.site.format import moment

    commit = point.commit
    return " ".join(part for part in (str(commit), moment(point.when), commit.subject) if part)


def _decision(one: Triage) -> str:
    return f"{one.state}{f': {one.note}' if one.note else ''} ({one.author}, {one.when:%Y-%m-%d})"


def _looks_text(one: LevelChange, looks: Looks) -> Iterator[str]:
    from harness.cli.table import table
    from harness.site.format import moment

    if not looks:
        yield "no night has measured it again"
        return
    headers = ["night", "base", "head", "verdict", "effect", "95% interval", "p", "pairs", "remark"]
    rows = [
        [
            moment(night.started),
            str(found.base),
            str(found.head),
            str(found.verdict),
            _effect(found.ratio),
            f"{_effect(found.low)} to {_effect(found.high)}" if found.low else "",
            f"{found.p:.1g}" if found.p is not None else "",
            str(len(found.pairs)),
            _remark(night, found),
        ]
        for night, found in looks
    ]
    yield table(headers, rows)
    pairs = [
        [
            moment(night.started),
            "head" if pair.head_first else "base",
            _quantity(one, pair.base),
            _quantity(one, pair.head),
            _effect(pair.head / pair.base) if pair.base else "",
        ]
        for night, found in looks
        for pair in found.pairs
    ]
    if pairs:
        yield ""
        yield table(["pairs of", "first", "base", "head", "effect"], pairs)


def _effect(ratio: float | None) -> str:
    return f"{ratio - 1:+.1%}" if ratio is not None else ""


def _remark(night: Night, found: Confirmation) -> str:
    from harness.domain.night import NightState

    void = f"void night: {night.reason}" if night.state is NightState.VOID else ""
    accepted = "accepted as the new level" if found.accepted else ""
    return "; ".join(part for part in (void, accepted, found.reason) if part)


def _decisions_text(made: Sequence[Triage]) -> Iterator[str]:
    from harness.cli.table import table
    from harness.site.format import moment

    if not made:
        yield "no decision yet: harness changes ack, expect or fix"
        return
    rows = [[moment(one.when), str(one.state), one.author, one.note] for one in made]
    yield table(["decided", "state", "author", "note"], rows)
