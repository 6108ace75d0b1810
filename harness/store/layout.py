"""Checks that a database has all tables and columns of the current layout."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, inspect

from harness.store.database import Refused
from harness.store.tables import Table


def check_complete(connection: Connection) -> None:
    """Raise Refused if a table or a column of the current layout is missing."""
    inspector = inspect(connection)
    wanted = {name: set(table.columns.keys()) for name, table in Table.metadata.tables.items()}
    present = wanted.keys() & inspector.get_table_names()
    tables = sorted(wanted.keys() - present)
    columns = sorted(
        f"{name}.{column}"
        for name in present
        for column in wanted[name] - {one["name"] for one in inspector.get_columns(name)}
    )
    if tables or columns:
        missing = filter(None, (_counted("table", tables), _counted("column", columns)))
        raise damaged(f"lacks {' and '.join(missing)}")


def damaged(how: str) -> Refused:
    """The refusal of a database that does not match its own revision."""
    return Refused(f"{how}: it is damaged; restore it from a copy, or move it away")


def _counted(what: str, names: Collection[str]) -> str:
    """For example "the tables ceiling, selfcheck"; empty without names."""
    return f"the {what}{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else ""
