"""What SQLite says, in plain words."""

from __future__ import annotations

import sqlite3

# How long a write waits for another run's. Transactions take milliseconds.
BUSY_MS = 30_000

_DAMAGED = "is damaged ({message}); restore it from a copy, or move it away"

# By a part of what SQLite says, in this order.
_PLAIN = {
    "SQLITE_READONLY_ROLLBACK": "was left in the middle of a write; `harness run` tidies it up",
    "malformed": _DAMAGED,
    "file is not a database": "is not a SQLite database; name another file with --db",
    "unable to open database file": "cannot be opened or made; is its folder writable?",
    "readonly": "is read-only",
    "locked": f"was locked by another process for {BUSY_MS / 1000:.0f} s",
    "disk is full": "has no room: the disk is full",
}


def explain(error: BaseException) -> str | None:
    """The error in plain words; None if SQLite did not raise it."""
    if isinstance(error, UnicodeDecodeError):  # SQLite's own message quotes what is damaged
        return _DAMAGED.format(message="its schema")
    if not isinstance(error, sqlite3.Error):
        return None
    message = str(error)
    full = f"{getattr(error, 'sqlite_errorname', '')} {message}"
    plain = next((plain for part, plain in _PLAIN.items() if part in full), "{message}")
    return plain.format(message=message)
