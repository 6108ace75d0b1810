"""The kinds of database that can hold results, by the dialect in their URL."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from harness.domain.entry import Entry
from harness.domain.location import Location
from harness.errors import UnknownName, UsageError
from harness.registry import Registry
from harness.store.database import Database


class Dialect(Entry):
    """One kind of database. Its module alone knows what sets that kind apart.

    migrations.py gives what all of them need to make the tables and to keep them up to date.
    """

    @abstractmethod
    def open_to_write(self, location: Location) -> Database:
        """The database, made and brought up to date if need be.

        Several processes may open it at once, also where it does not exist yet.
        """

    @abstractmethod
    def open_to_read(self, location: Location) -> Database:
        """The database, unchanged: reading makes none, migrates none and waits for no writer.

        One that does not exist is empty.
        """

    def files(self, location: Location) -> tuple[Path, ...]:
        """The files of this machine that hold it; none for a server."""
        return ()


registry: Registry[Dialect] = Registry("database dialect", "store")
register = registry.register


def dialect_of(location: Location) -> Dialect:
    """The dialect that the location names. UsageError if there is none of that name."""
    try:
        return registry[location.dialect]()
    except UnknownName as error:
        raise UsageError(
            f"{location}: {error}; one module adds a dialect, as harness/store/sqlite does"
        ) from error


def files(location: Location) -> tuple[Path, ...]:
    """The files of this machine that hold the database."""
    return dialect_of(location).files(location)
