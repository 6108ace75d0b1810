"""Recognises the harness's own files, and upgrades layouts from before Alembic.

Those early files hold a layout number instead of a revision (PRAGMA user_version). The number is
not enough: several versions of the harness added tables to layout 1, and a file of layout 2 may
lack some of them. So the file is inspected, and what it lacks is added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from harness.store import migrations
from harness.store.database import Refused
from harness.store.layout import damaged

# SQLite keeps it in the file's header (PRAGMA application_id), so that programs can recognise
# their own files. In ASCII: "hrns".
APPLICATION_ID = 0x68726E73

# The layout number of a file whose revision is in Alembic's table. Versions of the harness that
# predate revisions refuse it as newer than their own.
BY_REVISION = 3

# Files from before the application id are recognised by their layout number and the tables that
# all of them have.
_LAST_WITHOUT_ID = 2
_ALWAYS = {"host", "cell", "run", "result", "round", "fact", "sample", "metric"}

# The revision that early files are upgraded to, and what they may lack of it: frozen, like a
# revision.
_REVISION = "0001"
_ADDED_TABLES = {
    "round_metric": """CREATE TABLE round_metric (
        round INTEGER NOT NULL REFERENCES round (id) ON DELETE CASCADE, name VARCHAR NOT NULL,
        value DOUBLE NOT NULL, PRIMARY KEY (round, name))""",
    "selfcheck": """CREATE TABLE selfcheck (
        id INTEGER NOT NULL PRIMARY KEY, host VARCHAR NOT NULL REFERENCES host (fingerprint),
        environment_digest VARCHAR NOT NULL, cell VARCHAR NOT NULL REFERENCES cell (id),
        metric VARCHAR NOT NULL, trials INTEGER NOT NULL, rounds DOUBLE NOT NULL,
        false_alarms DOUBLE NOT NULL, noise_floor DOUBLE NOT NULL,
        smallest_change DOUBLE NOT NULL, coverage DOUBLE NOT NULL, "when" DATETIME NOT NULL)""",
    "ceiling": """CREATE TABLE ceiling (
        host VARCHAR NOT NULL REFERENCES host (fingerprint), environment_digest VARCHAR NOT NULL,
        hardware VARCHAR NOT NULL, name VARCHAR NOT NULL, kind VARCHAR NOT NULL,
        value DOUBLE NOT NULL, unit VARCHAR NOT NULL, how VARCHAR NOT NULL, others DOUBLE NOT NULL,
        environment JSON NOT NULL, saved DATETIME NOT NULL,
        PRIMARY KEY (host, environment_digest, hardware, name, kind))""",
    "document": """CREATE TABLE document (
        round INTEGER NOT NULL REFERENCES round (id) ON DELETE CASCADE, position INTEGER NOT NULL,
        tokens INTEGER NOT NULL, bytes INTEGER NOT NULL, bits DOUBLE NOT NULL,
        dense_bits DOUBLE NOT NULL, divergence DOUBLE NOT NULL, agreed INTEGER NOT NULL,
        floor_bits DOUBLE, PRIMARY KEY (round, position))""",
}
_ADDED_NOTES = "ALTER TABLE round ADD COLUMN notes JSON NOT NULL DEFAULT '{}'"
_ADDED_POSITION = (
    "ALTER TABLE ceiling ADD COLUMN position INTEGER NOT NULL DEFAULT 0",
    "UPDATE ceiling SET position = rowid",
)


def is_current(connection: Connection) -> bool:
    """False if the file is empty, or older than this version of the harness.

    Raises Refused if the file is another program's, newer, or incomplete.
    """
    return _number(connection) == BY_REVISION and migrations.is_current(connection)


def is_empty(connection: Connection) -> bool:
    """True if nothing was ever stored in the file. Raises Refused as is_current does."""
    return _number(connection) < BY_REVISION and not _names(connection)


def bring_up_to_date(connection: Connection) -> None:
    """Give the file the current tables, and mark it as the harness's."""
    if _number(connection) < BY_REVISION and _names(connection):
        _leave_early(connection)
    migrations.bring_up_to_date(connection)
    for pragma in (f"user_version = {BY_REVISION}", f"application_id = {APPLICATION_ID}"):
        connection.execute(text(f"PRAGMA {pragma}"))


def _number(connection: Connection) -> int:
    """The file's layout number. Raises Refused if the file is another program's, or newer."""
    found, number = (_pragma(connection, name) for name in ("application_id", "user_version"))
    if found != APPLICATION_ID and not (found == 0 and _without_id(connection, number)):
        raise Refused("is another program's database; name another file with --db")
    if not 0 <= number <= BY_REVISION:
        raise Refused(
            f"was written by a newer harness (layout {number}; this version knows {BY_REVISION})"
        )
    revision = migrations.revision_of(connection)
    if revision is None and number == BY_REVISION:
        raise damaged("lacks its revision")
    if revision is not None and number < BY_REVISION:
        raise damaged(f"has layout {number}, but revision {revision}")
    return number


def _without_id(connection: Connection, number: int) -> bool:
    """True if a file without an application id is empty, or was written by an early version."""
    names = _names(connection)
    if number == 0:
        return not names
    return 0 < number <= _LAST_WITHOUT_ID and names >= _ALWAYS


def _leave_early(connection: Connection) -> None:
    """Upgrade a file from before Alembic to the first revision.

    Files with an application id lack no table: the versions that set it made sure of that.
    """
    if _pragma(connection, "application_id") == 0:
        for name in _ADDED_TABLES.keys() - _names(connection):
            connection.execute(text(_ADDED_TABLES[name]))
        if "notes" not in _columns(connection, "round"):
            connection.execute(text(_ADDED_NOTES))
        _name_specs(connection)
    if "ceiling" in _names(connection):
        for statement in _ADDED_POSITION:
            connection.execute(text(statement))
    migrations.stamp(connection, _REVISION)


def _name_specs(connection: Connection) -> None:
    """Give specs a name and an empty question: the first version stored only their digest."""
    for run, stored in connection.execute(text("SELECT id, specs FROM run")).all():
        specs = _parsed(stored)
        if any(isinstance(digest, str) for digest in specs.values()):
            named = {
                file: {"name": Path(file).stem, "question": "", "digest": digest}
                for file, digest in specs.items()
            }
            connection.execute(
                text("UPDATE run SET specs = :specs WHERE id = :run"),
                {"specs": json.dumps(named), "run": run},
            )


def _parsed(stored: Any) -> dict[str, Any]:
    """The stored mapping; empty if it is not one. Loading the row reports the error."""
    try:
        specs = json.loads(stored)
    except (ValueError, TypeError, RecursionError):
        return {}
    return specs if isinstance(specs, dict) else {}


def _names(connection: Connection) -> set[str]:
    return set(connection.scalars(text("SELECT name FROM sqlite_master")))


def _columns(connection: Connection, table: str) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns(table)}


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.execute(text(f"PRAGMA {name}")).scalar_one())
