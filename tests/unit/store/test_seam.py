"""Only harness/store/sqlite depends on SQLite."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import harness

HARNESS = Path(harness.__file__).parent
SQLITE = HARNESS / "store" / "sqlite"

# With these, a statement could be one that only SQLite accepts.
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


def test_no_other_file_depends_on_sqlite() -> None:
    """On no SQL text, no driver, and not even on the package, which the registry finds."""
    assert {file: names for file in ELSEWHERE if (names := tied(file))} == {}


def test_dependence_on_sqlite_is_detected() -> None:
    """So the test above can fail."""
    assert "sqlite3" in tied(SQLITE / "__init__.py")
    assert "sqlalchemy.text" in tied(SQLITE / "before_alembic.py")
