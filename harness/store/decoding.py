"""Turns rows into values. A row that cannot be read is refused with its table and key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pydantic import ValidationError
from sqlalchemy import JSON, Boolean, Connection, Float, Integer, Select, String, type_coerce
from sqlalchemy.types import NULLTYPE, NullType

from harness.store.database import Refused
from harness.store.tables import Moment, Table

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.types import TypeEngine

T = TypeVar("T")
AnySelect: TypeAlias = "Select[*tuple[Any, ...]]"

_MOST_CHARACTERS = 200  # in the message about a bad row
_AT_ONCE = 1000  # rows fetched together

_ANY: tuple[type, ...] = ()

# By a column's type: the Python types of its values, and the words for them in a message.
_KINDS: dict[type[TypeEngine[Any]], tuple[tuple[type, ...], str]] = {
    Integer: ((int,), "an integer"),
    Float: ((float, int), "a number"),
    String: ((str,), "text"),
    Boolean: ((bool,), "true or false"),
    Moment: ((datetime,), "a time"),
    JSON: ((dict,), "a mapping"),
    NullType: (_ANY, "anything"),  # an expression: the code that builds the value checks it
}

# The exceptions that parsing a bad row, or building a value from it, may raise.
UNREADABLE = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError
)  # fmt: skip


def decoded(
    connection: Connection, query: AnySelect, table: type[Table], make: Callable[[Row[Any]], T]
) -> list[T]:
    """Build a value from each row of the query. Raises Refused, with the row's key, if one fails.

    SQLite accepts any value in any column, and a damaged file may hold anything. The query must
    select the table's primary key.
    """
    columns = [(column.name, *_kind(column)) for column in query.selected_columns]
    checked: set[tuple[type, ...]] = set()  # the types of rows that passed the check
    found: list[T] = []
    try:
        for row in connection.execute(query).yield_per(_AT_ONCE):
            if (types := tuple(map(type, row))) not in checked:
                _check(row, columns)
                checked.add(types)
            found.append(make(row))
    except UNREADABLE as error:
        key = _key(connection, query, table, len(found))
        raise Refused(
            f"row {key} of table {table.__tablename__} cannot be read: {reason(error)}"
        ) from error
    return found


def _kind(column: ColumnElement[Any]) -> tuple[tuple[type, ...], str]:
    kinds, name = next(found for kind, found in _KINDS.items() if isinstance(column.type, kind))
    return (*kinds, type(None)) if kinds and getattr(column, "nullable", False) else kinds, name


def _check(row: Iterable[Any], columns: Iterable[tuple[str, tuple[type, ...], str]]) -> None:
    """Raise TypeError if a value is not of its column's type, which SQLite does not enforce."""
    for value, (name, kinds, kind) in zip(row, columns, strict=True):
        if kinds != _ANY and type(value) not in kinds:
            raise TypeError(f"{name} is {short_repr(value)}, not {kind}")


def _key(connection: Connection, query: AnySelect, table: type[Table], position: int) -> str:
    """The primary key of the query's row at that position, even if the row cannot be parsed.

    The query runs again without any conversion of its columns' values.
    """
    stored = [type_coerce(one, NULLTYPE).label(one.name) for one in query.selected_columns]
    again = connection.execute(query.with_only_columns(*stored, maintain_column_froms=True))
    row = next(islice(again, position, None))
    key = tuple(getattr(row, column.name) for column in table.__table__.primary_key)
    return short_repr(key[0] if len(key) == 1 else key)


def reason(error: Exception) -> str:
    """Why a row could not be read, in a short clause."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        text = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    elif isinstance(error, KeyError):
        text = f"{short_repr(error.args[0])} is missing"
    else:
        text = str(error) or type(error).__name__
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "..."
