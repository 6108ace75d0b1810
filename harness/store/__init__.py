"""Results in a database, through SQLAlchemy: SQLite, or a dialect that an outside package adds."""

from harness.store.dialect import files
from harness.store.exchange import FORMAT_VERSION, Record, Unit, Units, checked
from harness.store.pruning import Prunable
from harness.store.reader import StoreReader
from harness.store.store import Store

__all__ = [
    "FORMAT_VERSION",
    "Prunable",
    "Record",
    "Store",
    "StoreReader",
    "Unit",
    "Units",
    "checked",
    "files",
]
