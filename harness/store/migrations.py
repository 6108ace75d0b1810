"""Finds a database's revision and upgrades it to the newest, with Alembic.

Alembic is imported only if there is something to do: the import takes as long as all of
`harness show`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, String, column, inspect, select, table

from harness.store.database import Refused
from harness.store.layout import check_complete, damaged

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = Path(__file__).parent / "revisions"

# The newest revision in revisions/versions/. A test compares the two.
HEAD = "0003"

_VERSION = "alembic_version"  # Alembic's own table: one row with the revision


def revision_of(connection: Connection) -> str | None:
    """The database's revision; None if Alembic never touched the database."""
    if not inspect(connection).has_table(_VERSION):
        return None
    query = select(column("version_num", String)).select_from(table(_VERSION))
    found: Sequence[object] = connection.scalars(query).all()  # a damaged file may hold anything
    if len(found) != 1 or not isinstance(found[0], str):
        raise damaged("lacks its revision")
    return found[0]


def is_current(connection: Connection) -> bool:
    """False if revisions are missing. Raises Refused if the database is newer, or incomplete."""
    revision = revision_of(connection)
    if revision == HEAD:
        check_complete(connection)
        return True
    if revision is not None and revision not in _known():
        raise Refused(
            f"was written by a newer harness (revision {revision}; this version knows {HEAD})"
        )
    return False


def bring_up_to_date(connection: Connection) -> None:
    """Apply all missing revisions in the open transaction.

    The transaction holds the write lock, so no other process does the same meanwhile, and a
    process that dies leaves the database as it was.
    """
    if not is_current(connection):
        from alembic import command

        command.upgrade(_config(connection), "head")
        check_complete(connection)


def stamp(connection: Connection, revision: str) -> None:
    """Record that the database is at that revision."""
    from alembic import command

    command.stamp(_config(connection), revision)


def _known() -> set[str]:
    from alembic.script import ScriptDirectory

    return {one.revision for one in ScriptDirectory(str(REVISIONS)).walk_revisions()}


def _config(connection: Connection) -> Config:
    """Alembic's configuration, without a file: just what revisions/env.py needs."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(REVISIONS).replace("%", "%%"))
    return config
