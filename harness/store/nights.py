"""Saves and loads nights and people's decisions about changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select, update

from harness.domain.cell import Cell
from harness.domain.metric import Direction
from harness.domain.night import (
    Confirmation,
    Kind,
    Night,
    NightState,
    Pair,
    Role,
    Triage,
    TriageState,
    Verdict,
)
from harness.domain.run import Commit, Host
from harness.store.decoding import decoded
from harness.store.rows import SPECS, environment_of
from harness.store.tables import ConfirmationRow, NightRow, PairRow, TriageRow

if TYPE_CHECKING:
    from sqlalchemy import Row

_COMMIT = TypeAdapter(Commit)
_FIGURES = ("ratio", "low", "high", "p", "value", "predicted_low", "predicted_high")


def save_night(connection: Connection, night: Night) -> int:
    """Add the night; return its key. Its host must be known."""
    values = {
        "kind": night.kind.value,
        "host": night.host.fingerprint,
        "environment": dict(night.environment.versions),
        "environment_digest": night.environment.digest,
        "head": _commit_json(night.head),
        "specs": {file: asdict(asked) for file, asked in night.specs.items()},
        "command": night.command,
        "state": night.state.value,
        "reason": night.reason,
        "started": night.started,
        "finished": night.finished,
        "pid": night.pid,
        "pid_started": night.pid_started,
    }
    return int(
        connection.execute(insert(NightRow).values(values).returning(NightRow.id)).scalar_one()
    )


def finish_night(connection: Connection, night: int, state: NightState, reason: str) -> None:
    """Record how the night ended."""
    values = {"state": state.value, "reason": reason, "finished": datetime.now(UTC)}
    connection.execute(update(NightRow).where(NightRow.id == night).values(values))


def resume_night(connection: Connection, night: int, pid: int, pid_started: float) -> None:
    """Record which process now runs the night."""
    values = {"pid": pid, "pid_started": pid_started}
    connection.execute(update(NightRow).where(NightRow.id == night).values(values))


def save_confirmation(connection: Connection, night: int, one: Confirmation) -> int:
    """Add what the night found about a cell, with its pairs; return its key."""
    values = {
        "night": night,
        "role": one.role.value,
        "cell": one.cell.id,
        "metric": one.metric,
        "unit": one.unit,
        "direction": one.direction.value,
        "base": _commit_json(one.base),
        "head": _commit_json(one.head),
        "verdict": one.verdict.value,
        "reason": one.reason,
        "accepted": one.accepted,
        **{name: getattr(one, name) for name in _FIGURES},
    }
    key = int(
        connection.execute(
            insert(ConfirmationRow).values(values).returning(ConfirmationRow.id)
        ).scalar_one()
    )
    rows = [
        {"confirmation": key, "position": position, **asdict(pair)}
        for position, pair in enumerate(one.pairs)
    ]
    if rows:
        connection.execute(insert(PairRow), rows)
    return key


def save_triage(connection: Connection, one: Triage) -> None:
    """Add a person's decision about a change."""
    values = {**asdict(one), "state": one.state.value}
    values["commit_sha"] = values.pop("commit")
    connection.execute(insert(TriageRow).values(values))


def load_nights(
    connection: Connection, hosts: Mapping[str, Host], cells: Mapping[str, Cell]
) -> list[Night]:
    """All nights with what they found, in the order in which they began."""
    found = _confirmations(connection, cells)
    query = select(NightRow.__table__).order_by(NightRow.started, NightRow.id)

    def build(row: Row[Any]) -> Night:
        return Night(
            kind=Kind(row.kind),
            host=hosts[row.host],
            environment=environment_of(row),
            head=_COMMIT.validate_python(row.head),
            started=row.started,
            specs=SPECS.validate_python(row.specs),
            command=row.command,
            state=NightState(row.state),
            reason=row.reason,
            finished=row.finished,
            pid=row.pid,
            pid_started=row.pid_started,
            confirmations=tuple(found.get(row.id, ())),
            id=row.id,
        )

    return decoded(connection, query, NightRow, build)


def load_triage(connection: Connection) -> list[Triage]:
    """All decisions, in the order in which they were taken."""
    query = select(TriageRow.__table__).order_by(TriageRow.when, TriageRow.id)

    def build(row: Row[Any]) -> Triage:
        return Triage(
            cell=row.cell,
            metric=row.metric,
            host=row.host,
            commit=row.commit_sha,
            state=TriageState(row.state),
            note=row.note,
            author=row.author,
            when=row.when,
        )

    return decoded(connection, query, TriageRow, build)


def _confirmations(
    connection: Connection, cells: Mapping[str, Cell]
) -> Mapping[int, list[Confirmation]]:
    """By night."""
    pairs: defaultdict[int, list[Pair]] = defaultdict(list)
    query = select(PairRow.__table__).order_by(PairRow.confirmation, PairRow.position)
    for key, pair in decoded(connection, query, PairRow, _pair):
        pairs[key].append(pair)

    def build(row: Row[Any]) -> tuple[int, Confirmation]:
        return row.night, Confirmation(
            role=Role(row.role),
            cell=cells[row.cell],
            metric=row.metric,
            unit=row.unit,
            direction=Direction(row.direction),
            base=_COMMIT.validate_python(row.base),
            head=_COMMIT.validate_python(row.head),
            verdict=Verdict(row.verdict),
            reason=row.reason,
            pairs=tuple(pairs.get(row.id, ())),
            accepted=row.accepted,
            id=row.id,
            **{name: getattr(row, name) for name in _FIGURES},
        )

    found: defaultdict[int, list[Confirmation]] = defaultdict(list)
    every = select(ConfirmationRow.__table__).order_by(ConfirmationRow.id)
    for night, one in decoded(connection, every, ConfirmationRow, build):
        found[night].append(one)
    return found


def _pair(row: Row[Any]) -> tuple[int, Pair]:
    return row.confirmation, Pair(
        row.head_first, row.base, row.head, row.base_round, row.head_round
    )


def _commit_json(commit: Commit) -> dict[str, Any]:
    result: dict[str, Any] = _COMMIT.dump_python(commit, mode="json")
    return result
