"""Checks a record before anything of it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from harness.domain.ceiling import CeilingKind
from harness.domain.metric import Direction
from harness.domain.night import Kind, NightState, Role, TriageState, Verdict
from harness.domain.result import Status, StopRule
from harness.domain.run import Host
from harness.errors import StoreError
from harness.store.decoding import UNREADABLE, reason
from harness.store.exchange.reading import NUMBERS, OF_HOST, OF_ROUND, SIDES
from harness.store.exchange.records import Record, identity, typed
from harness.store.rows import cell_of, estimate_of, host_of, run_of
from harness.store.tables import (
    CellRow,
    ConfirmationRow,
    HostRow,
    MetricRow,
    NightRow,
    PairRow,
    ResultRow,
    RoundRow,
    RunRow,
    Table,
)

_NOT_NUMBERED = ("id",)
RESULT_LINKS = ("id", "run", "metrics", "rounds")
ROUND_LINKS = ("id", "result", "run", *OF_ROUND)
CONFIRMATION_LINKS = ("id", "night", "pairs")
PAIR_LINKS = ("confirmation", *SIDES)


def checked(record: Any, where: str) -> Record:
    """The record, if everything in it can be stored and loaded again.

    Raises StoreError that begins with `where` otherwise.
    """
    try:
        if record["record"] == "hosts":
            _check_hosts(record)
        elif record["record"] in ("run", "night"):
            _check_run(record)
        else:
            raise ValueError(f"unknown record {record['record']!r:.60}")
    except UNREADABLE as error:
        raise StoreError(f"{where}: not a record of results: {reason(error)}") from error
    return cast("Record", record)


def without(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The row without these keys."""
    left_out = {*names}
    return {name: value for name, value in row.items() if name not in left_out}


def _check_hosts(record: Record) -> None:
    _known_hosts(record)
    _known_cells(record)
    for name, table in OF_HOST.items():
        for row in record[name]:
            typed(table, row, NUMBERS)
    for row in record["ceilings"]:
        CeilingKind(row["kind"])
    for row in record["triage"]:
        TriageState(row["state"])
    _check_links(record, (*record["selfchecks"], *record["triage"]), "cell", "cells")
    _check_links(record, (*record["selfchecks"], *record["ceilings"]), "host", "hosts")


def _check_run(record: Record) -> None:
    hosts = _known_hosts(record)
    _known_cells(record)
    for key, row in record["nights"].items():
        night = typed(NightRow, row, _NOT_NUMBERED)
        Kind(night["kind"]), NightState(night["state"])
        _check_identity(NightRow, key, row)
    for key, row in record["runs"].items():
        values = typed(RunRow, without(row, ["night"]), ("id", "night"))
        run_of(_row(**values, id=None, night=None), hosts)
        _check_identity(RunRow, key, row)
        if row["night"] is not None and row["night"] not in record["nights"]:
            raise ValueError(f"the night {row['night']!r} is missing")
    for row in record["results"]:
        _check_result(row)
    for row in record["confirmations"]:
        _check_confirmation(row)
    rounds = [one for row in record["results"] for one in row["rounds"]]
    _check_links(record, (*record["results"], *rounds), "run", "runs")
    _check_links(record, (*record["results"], *record["confirmations"]), "cell", "cells")


def _check_result(row: Mapping[str, Any]) -> None:
    values = typed(ResultRow, without(row, RESULT_LINKS), ("id", "run"))
    Status(values["status"])
    if values["stop_rule"]:
        StopRule(values["stop_rule"])
    for metric in row["metrics"]:
        estimate_of(_row(**typed(MetricRow, metric, ("result",))))
    for one in row["rounds"]:
        Status(typed(RoundRow, without(one, ROUND_LINKS), ("id", "result", "run"))["status"])
        for name, table in OF_ROUND.items():
            for part in one[name]:
                typed(table, part, ("round",))


def _check_confirmation(row: Mapping[str, Any]) -> None:
    values = typed(ConfirmationRow, without(row, CONFIRMATION_LINKS), ("id", "night"))
    Role(values["role"]), Verdict(values["verdict"]), Direction(values["direction"])
    for pair in row["pairs"]:
        typed(PairRow, without(pair, PAIR_LINKS), PAIR_LINKS)
        for side in (pair["base_round"], pair["head_round"]):
            if side is not None:
                _run, _cell, _position, _started = side


def _known_hosts(record: Record) -> Mapping[str, Host]:
    """The record's hosts by fingerprint. ValueError if one's content has another fingerprint."""
    hosts = {}
    for key, row in record["hosts"].items():
        values = typed(HostRow, row, ("fingerprint",))
        hosts[key] = host_of(_row(**values))
        if hosts[key].fingerprint != key:
            raise ValueError(f"the content of host {key!r} does not match its fingerprint")
    return hosts


def _known_cells(record: Record) -> None:
    for key, row in record["cells"].items():
        cell_of(_row(id=key, **typed(CellRow, row, ("id",))))


def _check_identity(table: type[Table], key: str, row: Mapping[str, Any]) -> None:
    if identity(table, dict(row)) != key:
        raise ValueError(f"the content of {table.__tablename__} {key!r} does not match its key")


def _check_links(record: Record, rows: Iterable[Any], key: str, among: str) -> None:
    """Every row's key must be one of the record's own hosts, cells or runs."""
    for row in rows:
        if row[key] not in record[among]:
            raise ValueError(f"the {key} {row[key]!r} is missing")


def _row(**values: Any) -> Any:
    """The values as attributes, as in a row of a query."""
    return SimpleNamespace(**values)
