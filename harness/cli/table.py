"""Formats rows as text: for people, for Markdown and for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence

from harness.cli.output import printable
from harness.report.text import csv_line


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
    return "".join(map(csv_line, (headers, *rows))).rstrip("\n")
