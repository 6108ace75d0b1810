"""Results in a database, through SQLAlchemy: SQLite, or a dialect that an outside package adds."""

from harness.store.dialect import files
from harness.store.reader import StoreReader
from harness.store.store import Store

__all__ = ["Store", "StoreReader", "files"]
