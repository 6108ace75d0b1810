"""An open database of any dialect: its transactions and its errors as plain messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from harness.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

WRITES = "harness_writes"  # the execution option that `writing` sets on its connection


class Refused(Exception):
    """The reason why the database cannot be used. Database adds its own name."""


class Database:
    """An open database.

    `explain` turns a driver's exception into a plain message, or returns None if it is not the
    database's fault. If the connection's execution option WRITES is set, the engine must take the
    write lock as the transaction begins: asking for it later fails if another transaction has
    begun to read as well.
    """

    def __init__(
        self, name: str, engine: Engine, explain: Callable[[BaseException], str | None]
    ) -> None:
        self.name, self.engine, self._explain = name, engine, explain

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; other processes may write meanwhile."""
        with self.explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at the end; only one at a time across all processes."""
        with (
            self.explained(),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn database errors into a StoreError with a one-sentence message."""
        try:
            yield
        except Refused as error:
            raise StoreError(f"{self.name}: {error}") from error
        except Exception as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            why = self._explain(cause) if cause is not None else None
            if why is None:
                raise
            raise StoreError(f"{self.name}: {why}") from error
