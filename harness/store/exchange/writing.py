"""Writes a record into a database, in the open transaction; what is known already stays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from harness.store.exchange.checking import (
    CONFIRMATION_LINKS,
    PAIR_LINKS,
    RESULT_LINKS,
    ROUND_LINKS,
    without,
)
from harness.store.exchange.reading import NUMBERS, OF_ROUND, SIDES
from harness.store.exchange.records import IDENTITIES, Record, Row, plain, typed
from harness.store.tables import (
    CeilingRow,
    CellRow,
    ConfirmationRow,
    HostRow,
    MetricRow,
    NightRow,
    PairRow,
    ResultRow,
    RoundRow,
    RunRow,
    SelfCheckRow,
    Table,
    TriageRow,
)


def write(connection: Connection, record: Record) -> Counter[str]:
    """Add what the database lacks of a checked record; return how many rows of each kind."""
    added: Counter[str] = Counter()
    _add_missing(connection, HostRow, "fingerprint", record["hosts"])
    _add_missing(connection, CellRow, "id", record["cells"])
    if record["record"] == "hosts":
        _write_hosts(connection, record, added)
        return added
    nights = {
        key: _found_or_added(connection, NightRow, row, {}, added, "nights")
        for key, row in record["nights"].items()
    }
    runs = {
        key: _found_or_added(
            connection, RunRow, row, {"night": nights.get(row["night"])}, added, "runs"
        )
        for key, row in record["runs"].items()
    }
    for row in record["results"]:
        _write_result(connection, row, runs, added)
    if record["confirmations"]:
        _write_confirmations(connection, record, nights[record["night"]], runs, added)
    return added


def _add_missing(
    connection: Connection, table: type[Table], key: str, rows: Mapping[str, Row]
) -> None:
    """Add the hosts or cells that are not known."""
    column = table.__table__.columns[key]
    for name, row in rows.items():
        if connection.scalar(select(column).where(column == name)) is None:
            connection.execute(insert(table).values({key: name, **typed(table, row, [key])}))


def _found_or_added(
    connection: Connection,
    table: type[Table],
    row: Row,
    links: Mapping[str, Any],
    added: Counter[str],
    kind: str,
) -> int:
    """The key of the run or night in this database."""
    values = {**typed(table, without(row, links), ["id", *links]), **links}
    identity = {name: values[name] for name in IDENTITIES[table]}
    columns = table.__table__.columns
    found = connection.scalar(select(columns["id"]).filter_by(**identity))
    if found is not None:
        if values["finished"] is not None:  # it was still going when it was added
            going = update(table).where(columns["id"] == found, columns["finished"].is_(None))
            connection.execute(going.values(finished=values["finished"]))
        return int(found)
    added[kind] += 1
    return _inserted(connection, table, values)


def _inserted(connection: Connection, table: type[Table], values: Mapping[str, Any]) -> int:
    key = table.__table__.columns["id"]
    return int(connection.execute(insert(table).values(values).returning(key)).scalar_one())


def _write_result(
    connection: Connection, row: Row, runs: Mapping[str, int], added: Counter[str]
) -> None:
    """Add the result with all its parts, unless it is known."""
    run = runs[row["run"]]
    if _is_known(connection, run, row):
        return
    added["results"] += 1
    values = typed(ResultRow, without(row, RESULT_LINKS), ("id", "run"))
    result = _inserted(connection, ResultRow, {**values, "run": run})
    _insert_parts(connection, MetricRow, {"result": result}, row["metrics"])
    for one in row["rounds"]:
        added["rounds"] += 1
        values = typed(RoundRow, without(one, ROUND_LINKS), ("id", "result", "run"))
        links = {"result": result, "run": runs[one["run"]]}
        key = _inserted(connection, RoundRow, {**values, **links})
        for name, table in OF_ROUND.items():
            _insert_parts(connection, table, {"round": key}, one[name])
            added[name] += len(one[name])


def _insert_parts(
    connection: Connection, table: type[Table], owner: Mapping[str, int], rows: Sequence[Row]
) -> None:
    if rows:
        values = [{**typed(table, row, [*owner]), **owner} for row in rows]
        connection.execute(insert(table), values)


def _is_known(connection: Connection, run: int, row: Row) -> bool:
    """True if the run has a result of the cell with the same status and the same rounds."""
    started = [one["started"] for one in row["rounds"]]
    query = select(ResultRow.id).filter_by(run=run, cell=row["cell"], status=row["status"])
    for result in connection.scalars(query).all():
        rounds = select(RoundRow.started).where(RoundRow.result == result).order_by(RoundRow.id)
        known = [one.isoformat() if one else None for one in connection.scalars(rounds)]
        if known == started:
            return True
    return False


def _write_confirmations(
    connection: Connection,
    record: Record,
    night: int,
    runs: Mapping[str, int],
    added: Counter[str],
) -> None:
    """Add what the night found, as far as it is not known; a change that was accepted stays so."""
    known = _known_confirmations(connection, night)
    for row in record["confirmations"]:
        values = typed(ConfirmationRow, without(row, CONFIRMATION_LINKS), ("id", "night"))
        same = known[_content(row)]
        if same:
            key = same.pop(0)
            if values["accepted"]:
                accepted = update(ConfirmationRow).where(ConfirmationRow.id == key)
                connection.execute(accepted.values(accepted=True))
            continue
        added["confirmations"] += 1
        key = _inserted(connection, ConfirmationRow, {**values, "night": night})
        pairs = [
            {
                **typed(PairRow, without(pair, PAIR_LINKS), PAIR_LINKS),
                "confirmation": key,
                **{side: _cited(connection, pair[side], runs) for side in SIDES},
            }
            for pair in row["pairs"]
        ]
        if pairs:
            connection.execute(insert(PairRow), pairs)


def _known_confirmations(connection: Connection, night: int) -> defaultdict[str, list[int]]:
    """The night's confirmations by content: a control may be repeated with the same result."""
    query = select(ConfirmationRow.__table__).where(ConfirmationRow.night == night)
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row in connection.execute(query.order_by(ConfirmationRow.id)):
        found[_content(plain(ConfirmationRow, row))].append(row.id)
    return found


def _content(row: Row) -> str:
    return repr(sorted(without(row, (*CONFIRMATION_LINKS, "accepted")).items()))


def _cited(connection: Connection, place: Sequence[Any] | None, runs: Mapping[str, int]) -> Any:
    """The key of the round at that run, cell, position and start; None if it is not stored."""
    if place is None:
        return None
    run, cell, position, started = place
    query = (
        select(RoundRow.id, RoundRow.started)
        .join(ResultRow, ResultRow.id == RoundRow.result)
        .where(RoundRow.run == runs.get(run), ResultRow.cell == cell)
        .where(RoundRow.position == position)
        .order_by(RoundRow.id)
    )
    keys = (
        row.id
        for row in connection.execute(query)
        if (row.started.isoformat() if row.started else None) == started
    )
    return next(keys, None)


def _write_hosts(connection: Connection, record: Record, added: Counter[str]) -> None:
    for name, table in (("selfchecks", SelfCheckRow), ("triage", TriageRow)):
        for row in record[name]:
            values = typed(table, row, NUMBERS)
            if connection.scalar(select(table.__table__.columns["id"]).filter_by(**values)) is None:
                connection.execute(insert(table).values(values))
                added[name] += 1
    for row in record["ceilings"]:
        _write_ceiling(connection, typed(CeilingRow, row, NUMBERS), added)


def _write_ceiling(connection: Connection, values: Row, added: Counter[str]) -> None:
    """Add the ceiling, or replace one that was saved earlier."""
    place = {one.name: values[one.name] for one in CeilingRow.__table__.primary_key}
    saved = connection.scalar(select(CeilingRow.saved).filter_by(**place))
    if saved is not None and saved >= values["saved"]:
        return
    added["ceilings"] += 1
    if saved is None:
        last = connection.scalar(select(func.max(CeilingRow.position))) or 0
        connection.execute(insert(CeilingRow).values({**values, "position": last + 1}))
    else:
        connection.execute(update(CeilingRow).filter_by(**place).values(values))
