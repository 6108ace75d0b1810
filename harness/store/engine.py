"""The connection to SQLite: how a file is opened, its locks, its errors in plain words."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from harness.errors import StoreError, UsageError
from harness.store.layout import Refused
from harness.store.migrations import is_current, migrate

# How long a write waits for another run's. Transactions take milliseconds.
_BUSY_MS = 30_000

_AGAIN = 0.01  # seconds until a lock is asked for again, where SQLite does not wait itself

_SETTINGS = (f"busy_timeout = {_BUSY_MS}", "foreign_keys = ON")
# With a write-ahead log, safe against any crash of a process.
_WRITER_SETTINGS = (*_SETTINGS, "synchronous = NORMAL")


class Database:
    """An open SQLite database."""

    def __init__(self, name: str, engine: Engine) -> None:
        self._name, self._engine = name, engine

    def close(self) -> None:
        """Give the file back."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view, beside which others may write."""
        with self._told(), self._engine.connect() as connection:
            connection.execute(text("BEGIN"))
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that has the write lock from its start, and is committed at its end.

        Taken at once, as a lock asked for in the middle fails where two have begun to read.
        """
        with self._told(), self._engine.connect() as connection:
            connection.execute(text("BEGIN IMMEDIATE"))
            yield connection
            connection.commit()

    def keep_log(self) -> None:
        """Have the file keep a write-ahead log: readers and a writer work side by side.

        While another process does the same to a new file SQLite refuses at once, without the wait
        that it grants every other lock.
        """
        end = time.monotonic() + _BUSY_MS / 1000
        with self._told(), self._engine.connect() as connection:
            while True:
                try:
                    connection.execute(text("PRAGMA journal_mode = WAL"))
                except OperationalError as error:
                    if "locked" not in str(error.orig) or time.monotonic() > end:
                        raise
                    time.sleep(_AGAIN)
                else:
                    return

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"{self._name}: {_plain(error.orig)}") from error
        except sqlite3.Error as error:
            raise StoreError(f"{self._name}: {_plain(error)}") from error
        except UnicodeDecodeError as error:  # SQLite's own message quotes what is damaged
            raise StoreError(f"{self._name}: {_DAMAGED.format(message='its schema')}") from error
        except Refused as error:
            raise StoreError(f"{self._name}: {error}") from error


def open_to_write(path: Path) -> Database:
    """The file, made and brought up to date if need be."""
    if str(path) == ":memory:":
        raise UsageError(":memory:: would keep nothing; name a file with --db")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        filled = path.is_file() and path.stat().st_size > 0
    except OSError as error:
        raise StoreError(f"cannot make the folder of {path}: {error.strerror}") from error
    if filled:
        _recognise(path)
    database = Database(str(path), _engine(path, {"mode": "rwc"}, _WRITER_SETTINGS))
    database.keep_log()
    with database.writing() as connection:
        migrate(connection)
    return database


def open_to_read(path: Path) -> Database:
    """The file, opened such that nothing is changed; nothing is missing from one not there.

    A file of an older layout is read from a copy in memory, which is brought up to date.
    """
    name = str(path)
    try:
        there = path.exists()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    if not there:
        return _up_to_date_copy(name)
    with ExitStack() as unless_returned:
        database = Database(name, _engine(path, _to_read(path)))
        unless_returned.callback(database.close)
        with database.reading() as connection:
            if not is_current(connection):
                return _up_to_date_copy(name, connection)
        unless_returned.pop_all()
        return database


def _recognise(path: Path) -> None:
    """Refuse another program's file before a writer's settings and locks could change it.

    It is opened for reading only, unless a write was cut short: to undo that, SQLite has to write.
    """
    mode = "rw" if _beside(path, "-journal").exists() else "ro"
    database = Database(str(path), _engine(path, {"mode": mode}))
    with closing(database), database.reading() as connection:
        is_current(connection)


def _up_to_date_copy(name: str, source: Connection | None = None) -> Database:
    """A database in memory with what the source holds."""
    engine = _configured(create_engine("sqlite://", poolclass=StaticPool), _SETTINGS)
    database = Database(name, engine)
    if source is not None:
        with engine.connect() as copy:
            _driver(source).backup(_driver(copy))
    with database.writing() as connection:
        migrate(connection)
    return database


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: Any = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _to_read(path: Path) -> dict[str, str]:
    """What SQLite must know of a file that is only read.

    For a file in WAL mode it makes a log and an index beside it, even for a reader. Where the
    folder does not let it, only `immutable` opens the file, which leaves out the log: so not if
    there is something in it, or a writer.
    """
    log, index = _beside(path, "-wal"), _beside(path, "-shm")
    in_use = log.exists() and (index.exists() or log.stat().st_size > 0)
    if in_use or os.access(log.parent, os.W_OK):
        return {"mode": "ro"}
    return {"mode": "ro", "immutable": "1"}


def _beside(path: Path, suffix: str) -> Path:
    """A file of SQLite's own, which is beside the file itself, not beside a link to it."""
    return Path(os.path.realpath(path) + suffix)


def _engine(path: Path, query: dict[str, str], settings: tuple[str, ...] = _SETTINGS) -> Engine:
    """Of that very file: as a URI whatever its name holds is quoted."""
    url = URL.create("sqlite", database=path.absolute().as_uri(), query={**query, "uri": "true"})
    return _configured(create_engine(url), settings)


def _configured(engine: Engine, settings: tuple[str, ...]) -> Engine:
    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where this module says so
        connection.text_factory = _text
        with closing(connection.cursor()) as cursor:
            for pragma in settings:
                cursor.execute(f"PRAGMA {pragma}")

    return engine


class NotText(str):
    """Text of a damaged file, which is no UTF-8.

    It does not stop the reading, which would hide whose row it is in: decoding.py takes it for no
    text.
    """

    __slots__ = ()


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return NotText(raw.decode(errors="surrogateescape"))


_DAMAGED = "is damaged ({message}); restore it from a copy, or move it away"

# By a part of what SQLite says, in this order.
_PLAIN = {
    "SQLITE_READONLY_ROLLBACK": "was left in the middle of a write; `harness run` tidies it up",
    "malformed": _DAMAGED,
    "file is not a database": "is not a SQLite database; name another file with --db",
    "unable to open database file": "cannot be opened or made; is its folder writable?",
    "readonly": "is read-only",
    "locked": f"was locked by another process for {_BUSY_MS / 1000:.0f} s",
    "disk is full": "has no room: the disk is full",
}


def _plain(error: BaseException | None) -> str:
    message = str(error)
    told = f"{getattr(error, 'sqlite_errorname', '')} {message}"
    plain = next((plain for part, plain in _PLAIN.items() if part in told), "{message}")
    return plain.format(message=message)
