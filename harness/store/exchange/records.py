"""Rows as plain data that JSON can hold, and back; and what identifies a row in every database.

A database numbers its own rows, so these numbers mean nothing elsewhere. Rows are recognised by
their content instead:

- a run by its commit, host, environment, seed, command, start, process and night (RUN_IDENTITY),
- a night by its kind, host, environment, command, start and process (NIGHT_IDENTITY),
- a result by its run, its cell, its status and when its rounds started,
- a round by the run that measured it, its cell, its position and its start.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from sqlalchemy import JSON, Boolean, Float, Integer, String

from harness.store.tables import Moment, NightRow, RunRow, Table

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import KeyedColumnElement

T = TypeVar("T")
Record: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]  # by column

# The version of the records; raised when an older harness could no longer read them.
FORMAT_VERSION = 1

_PROCESS = ("host", "environment_digest", "command", "started", "pid", "pid_started")
RUN_IDENTITY = ("commit_sha", "dirty", "seed", "night", *_PROCESS)
NIGHT_IDENTITY = ("kind", *_PROCESS)

IDENTITIES: dict[type[Table], tuple[str, ...]] = {RunRow: RUN_IDENTITY, NightRow: NIGHT_IDENTITY}

_CHUNK = 900  # as many values as the oldest SQLite accepts in one statement


def plain(table: type[Table], row: Any, without: Sequence[str] = ()) -> Row:
    """The row's columns, as JSON can hold them."""
    return {
        one.name: _plain(getattr(row, one.key))
        for one in table.__table__.columns
        if one.name not in without
    }


def typed(table: type[Table], row: Mapping[str, Any], without: Sequence[str] = ()) -> Row:
    """The values of a plain row as its table stores them. ValueError if one is not of its type.

    A column that may be empty may be missing: an older version may not have known it.
    """
    wanted = {one.name: one for one in table.__table__.columns if one.name not in without}
    if unknown := row.keys() - wanted.keys():
        raise ValueError(f"unknown key {min(unknown)!r}")
    return {name: _typed(one, row.get(name)) for name, one in wanted.items()}


def identity(table: type[Table], row: Row) -> str:
    """The digest by which a plain run or night is recognised, in 16 hexadecimal digits."""
    return digest([row[name] for name in IDENTITIES[table]])


def digest(content: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of plain data."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def chunks(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    """The keys in parts that fit into one statement."""
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return value


def _typed(column: KeyedColumnElement[Any], value: Any) -> Any:
    """The value as the column stores it."""
    if value is None:
        if getattr(column, "nullable", False):
            return None
        raise ValueError(f"{column.name!r} is missing")
    kind = column.type
    if isinstance(kind, Moment):
        when = datetime.fromisoformat(_of(column, value, str))
        if when.tzinfo is None:
            raise ValueError(f"{column.name}: {value!r} has no time zone")
        return when
    if isinstance(kind, Boolean):
        return _of(column, value, bool)
    if isinstance(kind, Integer):
        return _of(column, value, int)
    if isinstance(kind, Float):
        return float(value) if isinstance(value, str) else float(_of(column, value, float, int))
    if isinstance(kind, JSON):
        return _of(column, value, dict)
    assert isinstance(kind, String)
    return _of(column, value, str)


def _of(column: KeyedColumnElement[Any], value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{column.name}: {value!r:.60} is not of type {names}")
    return value
