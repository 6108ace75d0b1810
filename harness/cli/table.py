"""Formats rows as text: for people, for Markdown and for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from harness.cli.output import printable

# The characters at which a spreadsheet takes a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: str = "table") -> str:
    """The rows under their headers as `table`, `markdown` or `csv`."""
    if style == "csv":
        return _csv(headers, rows)
    from tabulate import tabulate

    kind, cell = ("github", _markdown) if style == "markdown" else ("simple", printable)
    cells = [[cell(text) for text in row] for row in rows]
    return tabulate(cells, headers=headers, tablefmt=kind, disable_numparse=True)


def _markdown(text: str) -> str:
    """The text on one line, with the bars escaped that would end the column."""
    return " ".join(printable(text).split("\n")).replace("|", r"\|")


def _csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (headers, *rows):
        writer.writerow(map(_inert, row))
    return text.getvalue().rstrip("\n")


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
