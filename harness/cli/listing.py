"""`harness list`: the axes and their values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import format_option
from harness.cli.table import table

if TYPE_CHECKING:
    from harness.domain.run import Host


@click.command("list")
@format_option("table", "json")
@click.argument("axis", required=False)
def list_entries(style: str, axis: str | None) -> None:
    """List the entries of every axis, and the metrics.

    For each, say whether this host can use it, and if not, why. AXIS narrows the list to one
    axis, e.g. `harness list operator`.
    """
    from harness.errors import UnknownName
    from harness.host.machine import this_host

    rows = entry_rows(this_host())
    axes = {row["axis"] for row in rows}
    if axis is not None and axis not in axes:
        raise UnknownName("axis", axis, axes)
    rows = [row for row in rows if axis in {None, row["axis"]}]
    if style == "json":
        click.echo(json.dumps({"version": 1, "entries": rows}, indent=2))
        return
    headers = ("axis", "name", "here", "what")
    cells = [(r["axis"], r["name"], r["reason"] or "yes", r["summary"]) for r in rows]
    click.echo(table(headers, cells))


def entry_rows(host: Host) -> list[dict[str, Any]]:
    """One object per entry: axis, name, summary, whether this host can use it, and why not."""
    from harness.domain.precision import PRECISIONS
    from harness.model.sizes import SIZES

    models = [_row("model", name, size.summary) for name, size in SIZES.items()]
    precisions = [_row("precision", one.name, one.summary) for one in PRECISIONS.values()]
    return models + precisions + _registered(host) + _added(host)


def _added(host: Host) -> list[dict[str, Any]]:
    """The rows of axes that outside packages add to the table."""
    from harness.spec.catalog import registered

    return [
        _row(axis, name, entries[name].summary, entries[name].unavailable(host))
        for axis, entries in registered().added.items()
        for name in entries
    ]


def _registered(host: Host) -> list[dict[str, Any]]:
    from harness import (
        backends,
        compression,
        hardware,
        launchers,
        metrics,
        operators,
        parallelism,
        scenarios,
    )

    rooms = (
        hardware,
        scenarios,
        parallelism,
        launchers,
        compression,
        operators,
        backends,
        metrics,
    )
    empty: dict[str, list[dict[str, Any]]] = {room.registry.kind: [] for room in rooms}
    empty["compression"] = [_row("compression", "none", "the dense model")]
    empty["parallelism"] = [_row("parallelism", "none", "one process")]
    return [
        row
        for room in rooms
        for row in [
            *empty[room.registry.kind],
            *(
                _row(room.registry.kind, entry.name, entry.summary, entry.unavailable(host))
                for entry in room.registry.entries()
            ),
        ]
    ]


def _row(axis: str, name: str, summary: str, reason: str | None = None) -> dict[str, Any]:
    return {
        "axis": axis,
        "name": name,
        "summary": summary,
        "usable": reason is None,
        "reason": reason,
    }
