"""SQLite: opening a file, its locks and its settings."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from harness.domain.location import Location
from harness.errors import StoreError, UsageError
from harness.store.database import WRITES, Database
from harness.store.dialect import Dialect, register
from harness.store.sqlite.before_alembic import bring_up_to_date, is_current, is_empty
from harness.store.sqlite.errors import BUSY_MS, explain
from harness.store.tables import Table

_RETRY_SECONDS = 0.01  # between requests for a lock, where SQLite does not wait itself

_BUSY = f"busy_timeout = {BUSY_MS}"
_SETTINGS = (_BUSY, "foreign_keys = ON")
# With a write-ahead log, safe against any crash of a process.
_WRITER_SETTINGS = (*_SETTINGS, "synchronous = NORMAL")
# A revision that replaces a table drops the old one. With foreign keys on, that would delete all
# rows that refer to its rows.
_MIGRATION_SETTINGS = (_BUSY, "foreign_keys = OFF")

_IN_MEMORY = ":memory:"
_URLS = "write sqlite:///relative.sqlite or sqlite:////absolute.sqlite"
_DRIVERS = ("sqlite", "sqlite+pysqlite")  # one driver: Python's own sqlite3


@register("sqlite", "a file on this machine")
class SQLite(Dialect):
    """The database at a plain path."""

    def files(self, location: Location) -> tuple[Path, ...]:
        """The file; SQLite's other files lie beside it, and their names begin with its name."""
        return (_path(location),)

    def open_to_write(self, location: Location) -> Database:
        """The file, created and brought up to date if necessary."""
        path = _path(location)
        if str(path) == _IN_MEMORY:
            raise UsageError(f"{location}: would keep nothing; name a file with --db")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            filled = path.is_file() and path.stat().st_size > 0
        except OSError as error:
            raise StoreError(f"cannot make the folder of {path}: {error.strerror}") from error
        if filled:
            _recognise(location, path)
        writable = {"mode": "rwc"}
        database = _database(location, _engine(path, writable, _WRITER_SETTINGS))
        _keep_log(database)
        with database.reading() as connection:
            current = is_current(connection)
        if not current:
            migrating = _database(location, _engine(path, writable, _MIGRATION_SETTINGS))
            with closing(migrating), migrating.writing() as connection:
                bring_up_to_date(connection)
        return database

    def open_to_read(self, location: Location) -> Database:
        """The file, opened so that nothing changes it; an empty database if there is no file.

        A file with an older layout is copied into memory, and the copy is brought up to date.
        """
        path = _path(location)
        try:
            exists = path.exists()
        except OSError as error:
            raise StoreError(f"{location}: {error.strerror}") from error
        if not exists:
            return empty(location)
        with ExitStack() as unless_returned:
            database = _database(location, _engine(path, _to_read(path)))
            unless_returned.callback(database.close)
            with database.reading() as connection:
                if is_empty(connection):
                    return empty(location)
                if not is_current(connection):
                    return _up_to_date_copy(location, connection)
            unless_returned.pop_all()
            return database

    def reclaim(self, location: Location, database: Database) -> int:
        """Rewrite the file without its free pages."""
        path = _path(location)
        before = path.stat().st_size
        with database.explained(), closing(database.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("VACUUM")
            # The log now holds the whole new file: move it there, and cut the log.
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return before - path.stat().st_size


def _path(location: Location) -> Path:
    """The file that a path or a URL names; UsageError for a URL that is not just a file."""
    if not location.is_url:
        return Path(location.text)
    try:
        url = make_url(location.text)
    except (ArgumentError, ValueError) as error:
        raise UsageError(f"{location}: {error}; {_URLS}") from error
    # Only a driver and a file: no host, user or options.
    plain = {URL.create(name, database=url.database) for name in _DRIVERS}
    if not url.database or url.set(drivername=url.drivername.lower()) not in plain:
        raise UsageError(f"{location}: not the URL of a file; {_URLS}")
    return Path(url.database)


def _database(location: Location, engine: Engine) -> Database:
    return Database(str(location), engine, explain)


def _recognise(location: Location, path: Path) -> None:
    """Refuse another program's file before a writer's settings and locks could change it.

    The file is opened for reading only, unless a write was interrupted: to undo that write,
    SQLite has to write itself.
    """
    mode = "rw" if _beside(path, "-journal").exists() else "ro"
    database = _database(location, _engine(path, {"mode": mode}))
    with closing(database), database.reading() as connection:
        is_current(connection)


def _keep_log(database: Database) -> None:
    """Switch the file to a write-ahead log, so that readers and a writer work side by side.

    If another process is switching the same new file, SQLite refuses at once: it does not wait
    for this lock as it does for all others.
    """
    end = time.monotonic() + BUSY_MS / 1000
    with database.explained(), closing(database.engine.raw_connection()) as connection:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(_RETRY_SECONDS)
            else:
                return


def empty(location: Location) -> Database:
    """An in-memory database with the current tables, for a reader whose database is missing."""
    database = _in_memory(location)
    with database.writing() as connection:
        Table.metadata.create_all(connection)
    return database


def _up_to_date_copy(location: Location, source: Connection) -> Database:
    """An in-memory copy of the source, brought up to date."""
    database = _in_memory(location)
    with database.engine.connect() as copy:
        _driver(source).backup(_driver(copy))
    with database.writing() as connection:
        bring_up_to_date(connection)
    return database


def _in_memory(location: Location) -> Database:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    return _database(location, _configured(engine, _MIGRATION_SETTINGS))


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: Any = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _to_read(path: Path) -> dict[str, str]:
    """The URI parameters for a file that is only read.

    For a file in WAL mode, SQLite creates a log and an index beside it even for a reader. In a
    read-only folder, only `immutable` opens the file, but that ignores the log: it is not used
    if the log has content or a writer is active.
    """
    log, index = _beside(path, "-wal"), _beside(path, "-shm")
    in_use = log.exists() and (index.exists() or log.stat().st_size > 0)
    if in_use or os.access(log.parent, os.W_OK):
        return {"mode": "ro"}
    return {"mode": "ro", "immutable": "1"}


def _beside(path: Path, suffix: str) -> Path:
    """One of SQLite's own files: it lies beside the real file, not beside a link to it."""
    return Path(os.path.realpath(path) + suffix)


def _engine(path: Path, query: dict[str, str], settings: tuple[str, ...] = _SETTINGS) -> Engine:
    """An engine for exactly this file: the URI quotes any special character in its name."""
    url = URL.create("sqlite", database=path.absolute().as_uri(), query={**query, "uri": "true"})
    return _configured(create_engine(url), settings)


def _configured(engine: Engine, settings: tuple[str, ...]) -> Engine:
    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # on_begin begins the transactions
        connection.text_factory = _text
        with closing(connection.cursor()) as cursor:
            for pragma in settings:
                cursor.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


class NotText(str):
    """Text from a damaged file that is not UTF-8.

    Raising an error here would hide which row it is in. Instead decoding.py, which does not
    accept this type as text, refuses the row.
    """

    __slots__ = ()


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return NotText(raw.decode(errors="surrogateescape"))
