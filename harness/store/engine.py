"""The connection to SQLite: its settings, its locks, its errors in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError

from harness.errors import StoreError
from harness.store.migrations import migrate

# How long a write waits for another run's. Transactions take milliseconds.
_BUSY_MS = 30_000


class Database:
    """A SQLite file, made and brought up to date when opened."""

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the folder of {path}: {error.strerror}") from error
        self._engine = create_engine(f"sqlite:///{path}")
        _configure(self._engine)
        self._bring_up_to_date()

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

    def _bring_up_to_date(self) -> None:
        with self.writing() as connection:
            migrate(connection, self._name)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise StoreError(f"{self._name}: {_plain(str(error.orig))}") from error


def _configure(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where this module says so
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "journal_mode = WAL",  # readers and a writer side by side
            "synchronous = NORMAL",  # with WAL, safe against any crash of a process
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


_PLAIN = {
    "file is not a database": "is not a SQLite database; name another file with --db",
    "unable to open database file": "cannot be opened or made; is its folder writable?",
    "readonly": "is read-only",
    "locked": f"was locked by another process for {_BUSY_MS / 1000:.0f} s",
    "disk is full": "has no room: the disk is full",
}


def _plain(message: str) -> str:
    return next((plain for part, plain in _PLAIN.items() if part in message), message)
