"""SQLite's errors as plain messages."""

from __future__ import annotations

import sqlite3

# How long a write waits for another run's write. Transactions take milliseconds.
BUSY_MS = 30_000

_DAMAGED = "is damaged ({message}); restore it from a copy, or move it away"

# By a part of SQLite's message; the first match counts.
_PLAIN = {
    "SQLITE_READONLY_ROLLBACK": "has an interrupted write; `harness run` rolls it back",
    "malformed": _DAMAGED,
    "file is not a database": "is not a SQLite database; name another file with --db",
    "unable to open database file": "cannot be opened or created; is its folder writable?",
    "readonly": "is read-only",
    "locked": f"was locked by another process for {BUSY_MS / 1000:.0f} s",
    "disk is full": "cannot grow: the disk is full",
}


def explain(error: BaseException) -> str | None:
    """The error as a plain message; None if SQLite did not raise it."""
    if isinstance(error, UnicodeDecodeError):  # SQLite's own message quotes the damaged text
        return _DAMAGED.format(message="its schema")
    if not isinstance(error, sqlite3.Error):
        return None
    message = str(error)
    full = f"{getattr(error, 'sqlite_errorname', '')} {message}"
    plain = next((plain for part, plain in _PLAIN.items() if part in full), "{message}")
    return plain.format(message=message)
