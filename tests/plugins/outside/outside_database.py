"""shelf: a kind of database that the harness does not know, opened by `shelf://NAME`.

It stands for a database server. The tables are in SQLite, because no other driver is at hand. From
the harness's own SQLite module it uses only the empty database, for a shelf that does not exist.
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
    """Keeps each shelf as a file in the working directory."""

    def open_to_write(self, location: Location) -> Database:
        """The shelf, with its tables brought up to date."""
        database = _database(location)
        with database.writing() as connection:
            bring_up_to_date(connection)
        return database

    def open_to_read(self, location: Location) -> Database:
        """The unchanged shelf."""
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
