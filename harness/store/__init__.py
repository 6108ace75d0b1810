"""Results in SQLite, through SQLAlchemy."""

from harness.store.reader import StoreReader
from harness.store.store import Store

__all__ = ["Store", "StoreReader"]
