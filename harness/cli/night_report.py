"""A night's summary, which a person reads in ten seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli.confirmations import change_text, interval_text
from harness.cli.pair_progress import verdict_text
from harness.cli.table import table
from harness.domain.naming import short_names
from harness.domain.night import Confirmation, Night, NightState, Role, Verdict
from harness.domain.result import Status

if TYPE_CHECKING:
    from harness.domain.cell import Cell
    from harness.night.nightly import NightOutcome

_CONTROLS = {Role.SAME: "itself", Role.SLOWED: "itself, slowed"}


def summary(outcome: NightOutcome) -> str:
    """The verdict first, then a line for each suspect, then the controls and the cells."""
    rows = _suspects(outcome)
    listed = [table(HEADERS, rows, "table")] if rows else []
    return "\n".join([headline(outcome), *listed, *_facts(outcome)])


def markdown(outcome: NightOutcome) -> str:
    """The same as a page, a comment or an issue."""
    rows = _suspects(outcome)
    listed = ["", table(HEADERS, rows, "markdown"), ""] if rows else [""]
    facts = [f"- {line}" for line in _facts(outcome)]
    return "\n".join([f"**{headline(outcome)}**", *listed, *facts, ""])


def headline(outcome: NightOutcome) -> str:
    """`1 regression confirmed at 0123456789 Subject of the commit`."""
    head = outcome.night.head
    where = f"at {head} {head.subject}".rstrip()
    if outcome.night.state is NightState.VOID:
        return f"VOID: {outcome.night.reason}; nothing counts that this night found {where}"
    if outcome.night.reason:
        return f"nothing measured {where}: {outcome.night.reason}"
    worse = len(outcome.regressions)
    better = len(outcome.confirmed) - worse
    if not outcome.confirmed:
        return f"no change confirmed {where}"
    counts = [
        f"{number} {word}{'s' if number > 1 else ''}"
        for number, word in ((worse, "regression"), (better, "improvement"))
        if number
    ]
    return f"{' and '.join(counts)} confirmed {where}"


HEADERS = ("cell", "metric", "verdict", "change", "interval", "p", "pairs", "since", "")


def _suspects(outcome: NightOutcome) -> list[tuple[str, ...]]:
    suspects = [one for one in outcome.night.confirmations if one.role is Role.SUSPECT]
    return rows_of(suspects, outcome.cells)


def rows_of(found: Sequence[Confirmation], cells: Sequence[Cell] = ()) -> list[tuple[str, ...]]:
    """A row for each comparison, the confirmed ones first.

    A cell's name says what distinguishes it from the others in the table, and from `cells`.
    """
    names = short_names([*cells, *(one.cell for one in found)])
    order = list(Verdict)
    return [
        (
            names[one.cell.id] or str(one.cell),
            one.metric,
            str(one.verdict).upper(),
            _change(one),
            interval_text(one.low, one.high),
            "" if one.p is None else f"{one.p:.1g}",
            str(len(one.pairs)),
            str(one.base),
            _note(one),
        )
        for one in sorted(found, key=lambda one: (order.index(one.verdict), one.p or 0.0))
    ]


def _change(one: Confirmation) -> str:
    if one.ratio is None:
        return ""
    return f"{change_text(one.ratio)} {'worse' if one.is_worse else 'better'}"


def _note(one: Confirmation) -> str:
    if one.accepted:
        return "second night: the new level"
    if one.verdict is Verdict.CONFIRMED and one.role is Role.SUSPECT:
        return "first night: a second must agree"
    return one.reason


def _facts(outcome: NightOutcome) -> Sequence[str]:
    night = outcome.night
    suspects = sum(one.role is Role.SUSPECT for one in night.confirmations)
    counts = ", ".join(f"{count} {status}" for status, count in outcome.counts().items())
    measured = sum(status is Status.OK for status in outcome.statuses.values())
    young = max(0, measured - outcome.judged)
    history = f"; {young} without a history yet" if young else ""
    return [
        f"cells: {counts}; {suspects} of {outcome.judged} left the expected range{history}",
        *controls_of(night),
        f"on {night.host}",
    ]


def controls_of(night: Night) -> list[str]:
    """What the controls showed."""
    return [
        f"control: the commit against {_CONTROLS[one.role]}: {verdict_text(one)}"
        for one in night.confirmations
        if one.role in _CONTROLS
    ]
