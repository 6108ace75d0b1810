"""Results in SQLite, through SQLAlchemy."""

from harness.store.store import Store

__all__ = ["Store"]
