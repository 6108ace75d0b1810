"""`harness plan`: every cell, what will happen to it and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import format_option, spec_options
from harness.cli.table import table
from harness.cli.words import duration
from harness.domain.ceiling import SEARCH_SECONDS
from harness.domain.naming import shared_text, short_names

if TYPE_CHECKING:
    from harness.pipeline import Prepared, Request
    from harness.spec.plan import Planned


@click.command()
@spec_options
@format_option("table", "json")
def plan(request: Request, style: str) -> None:
    """Show every cell of SPECS, what `run` will do with it, why, and about how long it takes."""
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


def headline(prepared: Prepared) -> str:
    """One line: how many cells, what becomes of them, about how long, of which commit."""
    plan = prepared.plan
    counts = ", ".join(f"{number} to {action}" for action, number in plan.counts().items())
    where = f"commit {prepared.commit}" if prepared.commit.sha else "no git commit"
    time = duration(plan.expected_seconds())
    if lacking := _ceiling_seconds(prepared):
        time += f" after {duration(sum(lacking.values()))} for ceilings"
    if prepared.trainings:
        time += f" after training {', '.join(map(str, prepared.trainings))}, once"
    cells = f"{len(plan.items)} cell{'' if len(plan.items) == 1 else 's'}"
    return f"{cells} ({counts}), about {time}; {where}, on {prepared.host}"


def _ceiling_seconds(prepared: Prepared) -> dict[str, float]:
    """By hardware, how long measuring its own limits takes before the first round."""
    from harness.execute.ceilings import expected_seconds

    return {
        str(one): expected_seconds(names, SEARCH_SECONDS)
        for one, names in prepared.ceilings.items()
    }


def _row(item: Planned, name: str) -> tuple[str, ...]:
    about = duration(item.seconds) if item.seconds else ""
    return (item.cell.id, name, str(item.action), about, item.reason)


def _document(prepared: Prepared) -> dict[str, Any]:
    return {
        "version": 1,
        "commit": prepared.commit.sha or None,
        "dirty": bool(prepared.commit.dirty),
        "host": prepared.host.fingerprint,
        "expected_seconds": prepared.plan.expected_seconds(),
        "ceilings": [
            {"hardware": hardware, "expected_seconds": seconds}
            for hardware, seconds in _ceiling_seconds(prepared).items()
        ],
        "trainings": [str(model) for model in prepared.trainings],
        "assumptions": list(prepared.assumptions),
        "cells": [_object(item) for item in prepared.plan.items],
    }


def _object(item: Planned) -> dict[str, Any]:
    return {
        "cell": item.cell.id,
        "axes": item.cell.labels,
        "workload": item.cell.load,
        "action": str(item.action),
        "status": str(item.status) if item.status else None,
        "reason": item.reason,
        "expected_seconds": item.seconds,
        "rounds_done": item.rounds_done,
        "baseline": item.baseline,
        "specs": list(item.specs),
    }
