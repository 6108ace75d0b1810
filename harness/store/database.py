"""An open database of any dialect: its transactions, and its errors in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from harness.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

WRITES = "harness_writes"  # the execution option of a connection that `writing` gives


class Refused(Exception):
    """The database cannot be used, and why. Database adds its name."""


class Database:
    """An open database.

    `explain` gives a driver's exception in plain words, or None if it is not the database's fault.
    The engine begins a transaction with the write lock where the connection's execution option
    WRITES is set: a lock that is asked for later fails where two transactions have begun to read.
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
        """A consistent view. Others may write meanwhile."""
        with self.explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at its end. There is one at a time in all processes."""
        with (
            self.explained(),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn errors of the database into a StoreError of one sentence."""
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
