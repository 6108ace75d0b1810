"""`harness doctor`: the environment, what this host can measure, and what interferes."""

from __future__ import annotations

import json
from typing import Any

import click

from harness.cli.options import db_option, format_option
from harness.cli.table import table
from harness.domain.location import Location


@click.command()
@db_option
@format_option("table", "json")
def doctor(db: Location, style: str) -> None:
    """Show what this host can measure, and what makes its numbers noisy."""
    document = _document(db)
    if style == "json":
        click.echo(json.dumps({"version": 1, **document}, indent=2))
        return
    for title in ("environment", "host", "subject", "results"):
        rows = [(key, _text(value)) for key, value in document[title].items()]
        click.echo(table((title, ""), rows) + "\n")
    interference = [
        (one["what"], one["value"], f"noisy: {one['advice']}" if one["noisy"] else "")
        for one in document["disturbance"]
    ]
    click.echo(table(("interference", "", ""), interference) + "\n")
    click.echo(table(("energy", ""), document["energy"].items()) + "\n")
    for row in document["unusable"]:
        click.echo(f"not usable here: {row['axis']} {row['name']}: {row['reason']}")


def _document(db: Location) -> dict[str, Any]:
    from dataclasses import asdict

    from harness import stored
    from harness.cli.listing import entry_rows
    from harness.host.energy import energy_support
    from harness.host.interference import findings
    from harness.host.machine import this_host

    host = this_host()
    versions, measured = _subject()
    results = stored.results(db)
    return {
        "environment": versions,
        "host": {**host.to_json(), "fingerprint": host.fingerprint},
        "subject": measured,
        "results": {"database": str(db), "cells": len(results)},
        "disturbance": [asdict(one) for one in findings(host)],
        "energy": energy_support(host),
        "unusable": [row for row in entry_rows(host) if not row["usable"]],
    }


def _subject() -> tuple[dict[str, str], dict[str, str]]:
    """The environment's versions, and what a run would measure, or why that is unknown."""
    from harness.errors import UsageError
    from harness.subject.code import HARNESS
    from harness.subject.environment import this_environment
    from harness.subject.identity import subject

    code = {"code": str(HARNESS)}
    try:
        commit, environment = subject()
    except UsageError as error:
        return dict(this_environment().versions), {**code, "commit": f"unknown: {error}"}
    return dict(environment.versions), {
        **code,
        "commit": commit.sha or "none: the harness is not in a git checkout",
        "branch": commit.branch,
        "uncommitted changes": "yes" if commit.dirty else "no",
    }


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value) or "none"
    return str(value)
