"""Moves stored results between databases, as records of plain data."""

from harness.store.exchange.checking import checked
from harness.store.exchange.reading import Unit, Units, read, units
from harness.store.exchange.records import FORMAT_VERSION, Record
from harness.store.exchange.writing import write

__all__ = ["FORMAT_VERSION", "Record", "Unit", "Units", "checked", "read", "units", "write"]
