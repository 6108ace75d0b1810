"""The kinds of database that can hold results, named by the dialect in a URL."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from harness.domain.entry import Entry
from harness.domain.location import Location
from harness.errors import UnknownName, UsageError
from harness.registry import Registry
from harness.store.database import Database


class Dialect(Entry):
    """One kind of database. Only its module knows what is particular to it.

    migrations.py creates the tables and keeps them up to date for all kinds.
    """

    @abstractmethod
    def open_to_write(self, location: Location) -> Database:
        """The database, created and brought up to date if necessary.

        Several processes may open it at once, even before it exists.
        """

    @abstractmethod
    def open_to_read(self, location: Location) -> Database:
        """The database, unchanged: opening it creates nothing, migrates nothing, waits for nobody.

        A database that does not exist counts as empty.
        """

    def files(self, location: Location) -> tuple[Path, ...]:
        """The files on this machine that hold the database; none for a server."""
        return ()

    def reclaim(self, location: Location, database: Database) -> int:
        """Give the space of deleted rows back to the system; return how many bytes.

        Servers do so by themselves.
        """
        return 0


registry: Registry[Dialect] = Registry("database dialect", "store")
register = registry.register


def dialect_of(location: Location) -> Dialect:
    """The dialect that the location names; UsageError if there is none of that name."""
    try:
        return registry[location.dialect]()
    except UnknownName as error:
        raise UsageError(
            f"{location}: {error}; a module such as harness/store/sqlite can add a dialect"
        ) from error


def files(location: Location) -> tuple[Path, ...]:
    """The files on this machine that hold the database."""
    return dialect_of(location).files(location)
