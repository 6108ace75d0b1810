"""shelf: a kind of database that the harness does not know, opened by `shelf://NAME`.

Stands for a server. SQLAlchemy's driver for SQLite holds the tables, as no other is at hand; the
harness's own module of SQLite does nothing here but to stand in for a shelf that is not there.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, make_url

from harness.domain.location import Location
from harness.store.database import WRITES, Database, Refused
from harness.store.dialect import Dialect, register
from harness.store.migrations import bring_up_to_date, is_current, revision_of
from harness.store.sqlite import empty


@register("shelf", "a shelf by its name")
class Shelf(Dialect):
    """Shelves stand in the working directory."""

    def open_to_write(self, location: Location) -> Database:
        """The shelf, with the tables of today."""
        database = _database(location)
        with database.writing() as connection:
            bring_up_to_date(connection)
        return database

    def open_to_read(self, location: Location) -> Database:
        """The shelf as it is."""
        database = _database(location)
        with database.reading() as connection:
            if revision_of(connection) is None:
                return empty(location)
            if not is_current(connection):
                raise Refused("is of an older layout; the next `harness run` brings it up to date")
        return database


def _database(location: Location) -> Database:
    name = make_url(location.text).host
    engine = create_engine(f"sqlite:///{Path(f'{name}.shelf').absolute()}")

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return Database(str(location), engine, _explain)


def _explain(error: BaseException) -> str | None:
    return f"the shelf says {error}" if isinstance(error, sqlite3.Error) else None
