"""`harness plan`: every cell, what `run` will do with it, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import format_option, spec_options, within_option
from harness.cli.table import table
from harness.cli.words import duration, duration_range
from harness.domain.ceiling import SEARCH_SECONDS
from harness.domain.naming import shared_text, short_names
from harness.plan.plan import Action

if TYPE_CHECKING:
    from harness.pipeline import Prepared, Request
    from harness.plan.expect import Span
    from harness.plan.plan import Planned


@click.command()
@spec_options
@within_option
@format_option("table", "json")
def plan(request: Request, style: str) -> None:
    """Show every cell of SPECS and what `run` will do with it.

    The plan also says why, and about how long it takes. SPECS are files or quoted globs.
    """
    from harness import pipeline

    prepared = pipeline.prepare(request)
    if style == "json":
        click.echo(json.dumps(_document(prepared), indent=2))
        return
    cells = [item.cell for item in prepared.plan.items]
    names = short_names(cells)
    rows = [_row(item, names[item.cell.id]) for item in prepared.plan.items]
    click.echo(table(("cell", "what it is", "action", "about", "why"), rows) + "\n")
    if shared := shared_text(cells):
        click.echo(f"all: {shared}")
    for line in prepared.assumptions:
        click.echo(line)
    click.echo(headline(prepared))
    if told := budget_line(prepared):
        click.echo(told)


def headline(prepared: Prepared) -> str:
    """One line: the number of cells, what happens to them, the time it takes, and the commit."""
    plan = prepared.plan
    counts = ", ".join(f"{number} to {action}" for action, number in plan.counts().items())
    where = f"commit {prepared.commit}" if prepared.commit.sha else "no git commit"
    time = span_text(expected(prepared))
    first = [f"{span_text(one)} for ceilings" for one in [_ceiling_span(prepared)] if one.high]
    first += [f"training {model}" for model in prepared.trainings]
    if first:
        time += f", cells after {' and '.join(first)}, once"
    cells = f"{len(plan.items)} cell{'' if len(plan.items) == 1 else 's'}"
    return f"{cells} ({counts}), about {time}; {where}, on {prepared.host}"


def budget_line(prepared: Prepared) -> str:
    """A line on how far the run's budget reaches; empty without one."""
    if prepared.budget is None:
        return ""
    from harness.dispatch.forecast import reached

    cells, some = len(prepared.plan.of(Action.MEASURE)), len(reached(prepared))
    within = f"within {duration(prepared.budget.seconds)}"
    return f"{within}: about {some} of {cells} cells get a round, the most valuable first"


def expected(prepared: Prepared) -> Span:
    """Seconds for the whole run: importing torch, ceilings, reference models, and all cells."""
    from harness.dispatch.artifacts import expected_training
    from harness.plan.expect import startup_time

    cells = prepared.plan.span()
    if not cells.high:
        return cells
    trainings = map(expected_training, prepared.trainings.values())
    return sum((_ceiling_span(prepared), *trainings, cells), startup_time())


def span_text(span: Span) -> str:
    """`2 to 9 min`; `no time` if there is nothing to do."""
    return duration_range(span.low, span.high) if span.high else "no time"


def _ceiling_span(prepared: Prepared) -> Span:
    """Seconds for all ceilings; each is measured up to three times if other work disturbs it."""
    from harness.plan.expect import Span

    seconds = sum(_ceiling_seconds(prepared).values())
    return Span(seconds, 3 * seconds)


def _ceiling_seconds(prepared: Prepared) -> dict[str, float]:
    """Seconds for measuring each hardware's ceilings before the first round, by hardware."""
    from harness.ceilings.measure import expected_seconds

    return {
        str(one): expected_seconds(names, SEARCH_SECONDS)
        for one, names in prepared.ceilings.items()
    }


def _row(item: Planned, name: str) -> tuple[str, ...]:
    about = span_text(item.span) if item.expected else ""
    return (item.cell.id, name, str(item.action), about, item.reason)


def _document(prepared: Prepared) -> dict[str, Any]:
    return {
        "version": 1,
        "commit": prepared.commit.sha or None,
        "dirty": bool(prepared.commit.dirty),
        "host": prepared.host.fingerprint,
        "expected_seconds": prepared.plan.span().middle,
        "expected_range": _range(expected(prepared)),
        "ceilings": [
            {"hardware": hardware, "expected_seconds": seconds}
            for hardware, seconds in _ceiling_seconds(prepared).items()
        ],
        "trainings": [str(model) for model in prepared.trainings],
        "assumptions": list(prepared.assumptions),
        **_reach(prepared),
        "cells": [_object(item) for item in prepared.plan.items],
    }


def _reach(prepared: Prepared) -> dict[str, Any]:
    """How far the run's budget reaches."""
    if prepared.budget is None:
        return {"within_seconds": None, "expected_reached": None}
    from harness.dispatch.forecast import reached

    return {
        "within_seconds": prepared.budget.seconds,
        "expected_reached": [item.cell.id for item in reached(prepared)],
    }


def _range(span: Span) -> list[float]:
    return [span.low, span.high]


def _object(item: Planned) -> dict[str, Any]:
    return {
        "cell": item.cell.id,
        "axes": item.cell.labels,
        "workload": item.cell.load,
        "action": str(item.action),
        "status": str(item.status) if item.status else None,
        "reason": item.reason,
        "expected_seconds": item.span.middle if item.expected else None,
        "expected_range": _range(item.span) if item.expected else None,
        "expected_rounds": list(item.expected.rounds) if item.expected else None,
        "rounds_done": item.rounds_done,
        "baseline": item.baseline,
        "specs": list(item.specs),
    }
