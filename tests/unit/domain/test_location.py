"""A database is named by a path or by a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.domain.location import Location


@pytest.mark.parametrize(
    "path",
    [
        *("results/harness.sqlite", "/abs.sqlite", "a?b.sqlite", "a%41b.sqlite", ":memory:"),
        *("file:a.sqlite", "sqlite:", "sqlite:/a", "file::memory:?cache=shared", "://x", "1a://x"),
        *("a b://x", "C:\\x", "", "x/sqlite:///a"),
    ],
)
def test_text_without_a_dialect_in_front_is_a_path_of_sqlite(path: str) -> None:
    assert not Location(path).is_url
    assert Location(path).dialect == "sqlite"
    assert str(Location(path)) == path


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("sqlite:///a.sqlite", "sqlite"),
        ("sqlite+pysqlite:////a.sqlite", "sqlite"),
        ("postgresql+psycopg://user@host/db", "postgresql"),
        ("PostgreSQL://host/db", "postgresql"),
    ],
)
def test_a_url_begins_with_its_dialect(url: str, dialect: str) -> None:
    assert Location(url).is_url
    assert Location(url).dialect == dialect


def test_no_path_is_taken_for_a_url() -> None:
    """A file of that name can still be meant: by any path to it."""
    assert not Location.file(Path("sqlite:///a.sqlite")).is_url
