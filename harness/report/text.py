"""Writes flat tables as CSV and as JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.report.rows import Flat, Row, Value

# The characters at which a spreadsheet takes a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_lines(flat: Flat) -> Iterator[str]:
    """The table's lines with their ends, its header first."""
    yield csv_line(flat.columns)
    for row in flat.rows:
        yield csv_line(_field(row.get(name)) for name in flat.columns)


def json_lines(flat: Flat) -> Iterator[str]:
    """A line for each row: an object with all columns."""
    for row in flat.rows:
        yield json.dumps({name: _plain(row, name) for name in flat.columns}) + "\n"


def csv_line(fields: Iterable[str]) -> str:
    """One line with its end. A text that a spreadsheet would take for a formula is quoted."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(_inert, fields))
    return text.getvalue()


def _field(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(row: Row, name: str) -> Any:
    """The value as JSON can hold it; a number that is not finite becomes a text."""
    value = row.get(name)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _inert(field: str) -> str:
    """The field, quoted if a spreadsheet would take it for a formula; a number stays a number.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{field}" if field.startswith(_FORMULA) and not _is_number(field) else field


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
