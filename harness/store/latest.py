"""Load the newest measurement of each cell, at any commit: what a budget should be spent on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from harness.domain.metric import Estimate
from harness.domain.result import Latest
from harness.domain.run import Host
from harness.store.decoding import decoded
from harness.store.rows import estimate_of
from harness.store.tables import MetricRow, ResultRow, RoundRow, RunRow

if TYPE_CHECKING:
    from sqlalchemy import Row


def load_latest(connection: Connection, host: Host) -> Mapping[str, Latest]:
    """The newest measurement of each cell on this kind of host, by cell id.

    Only results with a round count, and no pairs that nights measured.
    """
    newest = (
        select(func.max(ResultRow.id))
        .join(RoundRow, RoundRow.result == ResultRow.id)
        .join(RunRow, RunRow.id == ResultRow.run)
        .where(RunRow.host == host.fingerprint, RunRow.night.is_(None))
        .group_by(ResultRow.cell)
    )
    began = (
        select(ResultRow.id, ResultRow.cell, RunRow.started)
        .join(RunRow, RunRow.id == ResultRow.run)
        .where(ResultRow.id.in_(newest))
    )
    figures = select(MetricRow.__table__).where(MetricRow.result.in_(newest))
    metrics: defaultdict[int, dict[str, Estimate]] = defaultdict(dict)
    for result, name, estimate in decoded(connection, figures, MetricRow, _figure):
        metrics[result][name] = estimate
    return {
        cell: Latest(started, metrics.get(result, {}))
        for result, cell, started in decoded(connection, began, ResultRow, _begun)
    }


def _figure(row: Row[Any]) -> tuple[int, str, Estimate]:
    return row.result, row.name, estimate_of(row)


def _begun(row: Row[Any]) -> tuple[int, str, datetime]:
    return row.id, row.cell, row.started
