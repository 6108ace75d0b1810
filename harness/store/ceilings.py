"""Save and load the ceilings of hosts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from harness.domain.ceiling import Ceiling, CeilingKind, Ceilings
from harness.domain.run import Environment, Host
from harness.store.decoding import decoded
from harness.store.loading import load_hosts
from harness.store.rows import environment_of
from harness.store.tables import CeilingRow

if TYPE_CHECKING:
    from sqlalchemy import Row


def save_ceilings(
    connection: Connection,
    host: Host,
    environment: Environment,
    hardware: str,
    found: Sequence[Ceiling],
) -> None:
    """Save at least one ceiling, replacing those of the same name and kind.

    The host must be stored already.
    """
    last = connection.scalar(select(func.max(CeilingRow.position))) or 0
    key = {
        "host": host.fingerprint,
        "environment_digest": environment.digest,
        "hardware": hardware,
    }
    for position, one in enumerate(found, start=last + 1):
        place = {**key, "name": one.name, "kind": one.kind.value}
        values = _values(one, environment)
        if not connection.execute(update(CeilingRow).filter_by(**place).values(values)).rowcount:
            row = {**place, **values, "position": position}
            connection.execute(insert(CeilingRow).values(row))


def load_ceilings(
    connection: Connection, host: Host, environment: Environment, hardware: str
) -> tuple[Ceiling, ...]:
    """The stored ceilings, in the order in which they were first saved."""
    query = (
        select(CeilingRow.__table__)
        .where(
            CeilingRow.host == host.fingerprint,
            CeilingRow.environment_digest == environment.digest,
            CeilingRow.hardware == hardware,
        )
        .order_by(CeilingRow.position)
    )
    return tuple(decoded(connection, query, CeilingRow, _ceiling))


def load_all_ceilings(connection: Connection) -> tuple[Ceilings, ...]:
    """The ceilings of every host, environment and hardware; the latest saved come first."""
    hosts = load_hosts(connection)

    def placed(row: Row[Any]) -> tuple[Any, Ceilings]:
        """A row's ceiling, with the place it belongs to."""
        place = (row.host, row.environment_digest, row.hardware)
        found = (_ceiling(row),)
        environment = environment_of(row)
        return place, Ceilings(hosts[row.host], environment, row.hardware, found, row.saved)

    places: defaultdict[Any, list[Ceilings]] = defaultdict(list)
    query = select(CeilingRow.__table__).order_by(CeilingRow.position)
    for place, one in decoded(connection, query, CeilingRow, placed):
        places[place].append(one)
    found = map(_merged, places.values())
    return tuple(sorted(found, key=lambda one: one.saved, reverse=True))


def _merged(parts: Sequence[Ceilings]) -> Ceilings:
    """One value with all ceilings of a place."""
    found = tuple(one for part in parts for one in part.found)
    return replace(parts[0], found=found, saved=max(part.saved for part in parts))


def _values(one: Ceiling, environment: Environment) -> dict[str, Any]:
    """The columns that a newer measurement replaces."""
    return {
        "value": one.value,
        "unit": one.unit,
        "how": one.how,
        "others": one.others,
        "environment": dict(environment.versions),
        "saved": datetime.now(UTC),
    }


def _ceiling(row: Row[Any]) -> Ceiling:
    return Ceiling(row.name, row.value, row.unit, CeilingKind(row.kind), row.how, row.others)
