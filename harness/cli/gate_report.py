"""A gate's result, as a table and as a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.analyse.confirm import RELEVANT
from harness.cli.comparison import Row, as_markdown, as_table, row_of
from harness.cli.night_report import controls_of
from harness.domain.naming import short_names
from harness.domain.night import NightState

if TYPE_CHECKING:
    from harness.night.gate import GateOutcome


def table_text(outcome: GateOutcome) -> str:
    """The verdict, a line for each cell, the controls."""
    return "\n".join([as_table(_rows(outcome), heading(outcome)), *facts(outcome)])


def markdown(outcome: GateOutcome) -> str:
    """The same as a comment on a pull request."""
    lines = [f"- {line}" for line in facts(outcome)]
    return "\n".join([as_markdown(_rows(outcome), heading(outcome)), "", *lines, ""])


def heading(outcome: GateOutcome) -> str:
    """The two commits, after the reason why nothing counts, if there is one."""
    base, head = outcome.requested[0].base, outcome.night.head
    sides = f"A is {base} {base.subject}, B is {head} {head.subject}"
    if outcome.night.state is NightState.VOID:
        return f"VOID: {outcome.night.reason}; nothing of this counts. {sides}"
    return sides


def facts(outcome: GateOutcome) -> list[str]:
    """The controls, what was not compared, and the host."""
    skipped = [f"not compared: {cell}: {why}" for cell, why in outcome.skipped.items()]
    return [*controls_of(outcome.night), *skipped, f"on {outcome.night.host}"]


def _rows(outcome: GateOutcome) -> list[Row]:
    names = short_names([one.cell for one in outcome.requested])
    return [row_of(one, names[one.cell.id] or str(one.cell), RELEVANT) for one in outcome.requested]
