"""Whose database a file is, and whether it has all the tables of its layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, text

from harness.store.tables import Table

# SQLite keeps it in the file's header (PRAGMA application_id), for programs to know their own
# files by. In ASCII: "hrns".
APPLICATION_ID = 0x68726E73

# Databases of the first layouts bear no stamp: they are known by the tables that all of them have.
_LAST_UNSTAMPED = 2
_ALWAYS = {"host", "cell", "run", "result", "round", "fact", "sample", "metric"}


class Refused(Exception):
    """The database cannot be used, and why. Whoever opened it adds the file's name."""


def layout_of(connection: Connection) -> int:
    """The number of the database's layout; 0 if it is empty. Refused if it is not ours."""
    stamp, layout = (_pragma(connection, name) for name in ("application_id", "user_version"))
    if stamp != APPLICATION_ID and not (stamp == 0 and _unstamped(connection, layout)):
        raise Refused("is another program's database; name another file with --db")
    return layout


def _unstamped(connection: Connection, layout: int) -> bool:
    """Whether a database without a stamp is empty, or was made by an early version of harness."""
    names = set(connection.scalars(text("SELECT name FROM sqlite_master")))
    if layout == 0:
        return not names
    return 0 < layout <= _LAST_UNSTAMPED and names >= _ALWAYS


def check_complete(connection: Connection) -> None:
    """Refused if a table or a column of today's layout is missing."""
    found = _columns(connection)
    wanted = {name: set(table.columns.keys()) for name, table in Table.metadata.tables.items()}
    tables = sorted(wanted.keys() - found.keys())
    columns = sorted(
        f"{name}.{column}"
        for name in wanted.keys() & found.keys()
        for column in wanted[name] - found[name]
    )
    if tables or columns:
        missing = " and ".join(
            filter(None, (_counted("table", tables), _counted("column", columns)))
        )
        raise Refused(
            f"lacks {missing}: an early version of harness wrote it, or it is "
            "damaged; move the file away, and the next run makes a new one"
        )


def _columns(connection: Connection) -> dict[str, set[str]]:
    """The columns of each table that is there."""
    query = (
        "SELECT tables.name, columns.name FROM sqlite_master AS tables"
        " JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table, column in connection.execute(text(query)):
        found[table].add(column)
    return found


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.execute(text(f"PRAGMA {name}")).scalar_one())


def _counted(what: str, names: Collection[str]) -> str:
    """E.g. "the tables ceiling, selfcheck"; nothing if there is no name."""
    return f"the {what}{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else ""
