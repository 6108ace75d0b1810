"""Numbered steps from an empty database to the tables of today.

The number of steps done is SQLite's `user_version`. A step, once released, never changes:
databases out there have done it. To change a table, add a step that alters it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text

from harness.store.layout import APPLICATION_ID, Refused, check_complete, layout_of
from harness.store.tables import DocumentRow, Table


def _first(connection: Connection) -> None:
    """All tables of version 1."""
    Table.metadata.create_all(connection)


def _documents(connection: Connection) -> None:
    """Scores of held-out documents."""
    DocumentRow.metadata.tables[DocumentRow.__tablename__].create(connection, checkfirst=True)


STEPS: tuple[Callable[[Connection], None], ...] = (_first, _documents)


def is_current(connection: Connection) -> bool:
    """False if steps are missing. Refused if the database is not ours, or not whole."""
    if _steps_done(connection) < len(STEPS):
        return False
    check_complete(connection)
    return True


def migrate(connection: Connection) -> None:
    """Do the steps that are missing, and stamp the database as ours.

    The connection holds the write lock, so no other does them at the same time.
    """
    for step in STEPS[_steps_done(connection) :]:
        step(connection)
    check_complete(connection)
    for pragma in (f"user_version = {len(STEPS)}", f"application_id = {APPLICATION_ID}"):
        connection.execute(text(f"PRAGMA {pragma}"))


def _steps_done(connection: Connection) -> int:
    done = layout_of(connection)
    if not 0 <= done <= len(STEPS):
        raise Refused(
            f"was written by a newer harness (layout {done}; this one knows {len(STEPS)})"
        )
    return done
