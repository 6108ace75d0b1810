"""Writes flat tables as Parquet. pyarrow is an optional package, imported only here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType

from harness.errors import UsageError
from harness.report.rows import Flat, Row

_AT_ONCE = 50_000  # rows in a row group, and in memory


def write_parquet(flat: Flat, path: Path) -> None:
    """Write the table to a new file. Raises UsageError without pyarrow."""
    arrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    types = {
        str: arrow.string(),
        int: arrow.int64(),
        float: arrow.float64(),
        bool: arrow.bool_(),
        datetime: arrow.timestamp("us", tz="UTC"),
    }
    schema = arrow.schema([(name, types[kind]) for name, kind in flat.columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        for rows in _parts(flat.rows):
            columns = {name: [row.get(name) for row in rows] for name in flat.columns}
            writer.write_table(arrow.table(columns, schema=schema))


def require_pyarrow() -> None:
    """Raise UsageError if pyarrow is not installed."""
    _pyarrow("pyarrow")


def _pyarrow(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            f"Parquet needs pyarrow ({error}): pip install 'transformer-harness[parquet]', or "
            "export csv or jsonl"
        ) from error


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while part := list(islice(left, _AT_ONCE)):
        yield part
