"""Rows as text: for people, for Markdown, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], style: str = "table") -> str:
    """The rows under their headers as `table`, `markdown` or `csv`."""
    if style == "csv":
        return _csv(headers, rows)
    from tabulate import tabulate

    kind = "github" if style == "markdown" else "simple"
    return tabulate(rows, headers=headers, tablefmt=kind, disable_numparse=True)


def _csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")
