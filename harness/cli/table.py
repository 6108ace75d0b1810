"""Rows as text: for people, for Markdown, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from harness.cli.output import printable

# What a spreadsheet begins to calculate at.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: str = "table") -> str:
    """The rows under their headers as `table`, `markdown` or `csv`."""
    if style == "csv":
        return _csv(headers, rows)
    from tabulate import tabulate

    kind, cell = ("github", _markdown) if style == "markdown" else ("simple", printable)
    told = [[cell(text) for text in row] for row in rows]
    return tabulate(told, headers=headers, tablefmt=kind, disable_numparse=True)


def _markdown(text: str) -> str:
    """A cell of one line that ends no column."""
    return " ".join(printable(text).split("\n")).replace("|", r"\|")


def _csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (headers, *rows):
        writer.writerow(map(_inert, row))
    return text.getvalue().rstrip("\n")


def _inert(field: str) -> str:
    """A field that no spreadsheet takes for a formula; a number stays a number.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{field}" if field.startswith(_FORMULA) and not _is_number(field) else field


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
