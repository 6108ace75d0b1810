"""What knows SQLite is in one room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import harness

HARNESS = Path(harness.__file__).parent
SQLITE = HARNESS / "store" / "sqlite"

# Through these a statement could be what only SQLite takes.
TIED = {"sqlite3", "sqlalchemy.dialects", "sqlalchemy.text", "sqlalchemy.literal_column"}

ELSEWHERE = [file for file in HARNESS.rglob("*.py") if SQLITE not in file.parents]


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tied(file: Path) -> list[str]:
    return [
        name
        for name in imported(file)
        if any(f"{name}.".startswith(f"{one}.") for one in {*TIED, "harness.store.sqlite"})
    ]


def test_nothing_else_can_name_what_only_sqlite_knows() -> None:
    """No SQL text, no driver; not even the room itself, which the registry finds."""
    assert {file: names for file in ELSEWHERE if (names := tied(file))} == {}


def test_the_room_itself_would_be_found() -> None:
    """The test above can fail."""
    assert "sqlite3" in tied(SQLITE / "__init__.py")
    assert "sqlalchemy.text" in tied(SQLITE / "before_alembic.py")
