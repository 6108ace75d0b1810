"""Rows as text."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.table import table

HEADERS, ROWS = ("cell", "tokens/s"), [("dense", "1203"), ("int8", "2410.0")]


def test_people_get_aligned_columns() -> None:
    expected = [
        "cell    tokens/s",
        "------  ----------",
        "dense   1203",
        "int8    2410.0",
    ]
    assert expected == [line.rstrip() for line in table(HEADERS, ROWS).splitlines()]


def test_markdown_gets_pipes() -> None:
    lines = table(HEADERS, ROWS, "markdown").splitlines()
    assert all(line.startswith("|") and line.endswith("|") for line in lines)
    assert len(lines) == 4


def test_spreadsheets_get_commas() -> None:
    assert table(HEADERS, ROWS, "csv") == "cell,tokens/s\ndense,1203\nint8,2410.0"


@pytest.mark.parametrize("style", ["table", "markdown", "csv"])
def test_figures_are_left_as_they_are_written(style: str) -> None:
    """`1.50` says how sharp it is; `1e3` and `0x10` may be names."""
    for figure in ("1.50", "1e3", "0x10", "007"):
        assert figure in table(HEADERS, [(figure, figure)], style)


fields = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1)


@given(st.lists(st.tuples(fields, fields), min_size=1))
def test_csv_is_read_again_as_it_was(rows: list[tuple[str, str]]) -> None:
    """Commas, quotes and line ends included."""
    text = table(("a", "b"), rows, "csv") + "\n"
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert [["a", "b"], *map(list, rows)] == read


def test_no_rows_are_still_a_table() -> None:
    assert table(HEADERS, [], "csv") == "cell,tokens/s"
    assert "cell" in table(HEADERS, [])
