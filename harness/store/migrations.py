"""Numbered steps from an empty database to the tables of today.

The number of steps done is SQLite's `user_version`. A step, once released, never changes:
databases out there have done it. To change a table, add a step that alters it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text

from harness.errors import StoreError
from harness.store.tables import DocumentRow, Table


def _first(connection: Connection) -> None:
    """All tables of version 1."""
    Table.metadata.create_all(connection)


def _documents(connection: Connection) -> None:
    """Scores of held-out documents."""
    DocumentRow.metadata.tables[DocumentRow.__tablename__].create(connection, checkfirst=True)


STEPS: tuple[Callable[[Connection], None], ...] = (_first, _documents)


def migrate(connection: Connection, name: str) -> None:
    """Do the steps that are missing; the connection holds the write lock, so no other does."""
    done = int(connection.execute(text("PRAGMA user_version")).scalar_one())
    if done > len(STEPS):
        raise StoreError(
            f"{name} was written by a newer harness (layout {done}; this one knows {len(STEPS)})"
        )
    for step in STEPS[done:]:
        step(connection)
    if done < len(STEPS):
        connection.execute(text(f"PRAGMA user_version = {len(STEPS)}"))
