"""Rows as tables, Markdown and CSV."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.table import table

HEADERS, ROWS = ("cell", "tokens/s"), [("dense", "1203"), ("int8", "2410.0")]


def test_a_table_has_aligned_columns() -> None:
    expected = [
        "cell    tokens/s",
        "------  ----------",
        "dense   1203",
        "int8    2410.0",
    ]
    assert expected == [line.rstrip() for line in table(HEADERS, ROWS).splitlines()]


def test_markdown_has_pipes() -> None:
    lines = table(HEADERS, ROWS, "markdown").splitlines()
    assert all(line.startswith("|") and line.endswith("|") for line in lines)
    assert len(lines) == 4


def test_csv_has_commas() -> None:
    assert table(HEADERS, ROWS, "csv") == "cell,tokens/s\ndense,1203\nint8,2410.0"


@pytest.mark.parametrize("style", ["table", "markdown", "csv"])
def test_figures_are_printed_as_given(style: str) -> None:
    """The digits of `1.50` show its precision; `1e3` and `0x10` may be names."""
    for figure in ("1.50", "1e3", "0x10", "007"):
        assert figure in table(HEADERS, [(figure, figure)], style)


fields = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1)


def read(text: str) -> list[list[str]]:
    """The rows below the headers."""
    return list(csv.reader(io.StringIO(text + "\n", newline="")))[1:]


@given(st.lists(st.tuples(fields, fields), min_size=1))
def test_csv_reads_back_as_it_was_written(rows: list[tuple[str, str]]) -> None:
    """With commas, quotes and line ends; only a formula gets a quote before it."""
    found = read(table(("a", "b"), rows, "csv"))
    for row, again in zip(rows, found, strict=True):
        assert [
            text if text == one else f"'{text}" for text, one in zip(row, again, strict=True)
        ] == again


@pytest.mark.parametrize(
    "field",
    ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "-", "--retry"],
)
def test_a_spreadsheet_does_not_run_a_field_as_a_formula(field: str) -> None:
    """A single quote makes it text, even in a header."""
    text = table(("a", field), [("b", field)], "csv")
    assert read(text) == [["b", f"'{field}"]]
    assert next(csv.reader(io.StringIO(text, newline="")))[1] == f"'{field}"


def test_a_carriage_return_before_a_formula_does_not_make_it_one() -> None:
    """Even if the csv module does not quote the field."""
    assert table(("a", "b"), [("c", "\r=1")], "csv").replace('"', "") == "a,b\nc,'\r=1"


@pytest.mark.parametrize("number", ["-0.5", "-1e-05", "+3", "-inf", "1.5"])
def test_a_negative_number_stays_a_number(number: str) -> None:
    assert read(table(("a", "b"), [("c", number)], "csv")) == [["c", number]]


def test_columns_stay_aligned_beside_escaped_characters() -> None:
    lines = table(HEADERS, [("\x1b[2J\r", "1"), ("plain", "2")]).splitlines()
    assert lines[2] == r"\x1b[2J\r  1"
    assert lines[3] == "plain      2"


def test_a_markdown_field_cannot_end_its_row_or_column() -> None:
    [row] = table(HEADERS, [("a|b", "first\nsecond")], "markdown").splitlines()[2:]
    assert row == r"| a\|b   | first second |"


def test_a_table_without_rows_has_its_headers() -> None:
    assert table(HEADERS, [], "csv") == "cell,tokens/s"
    assert "cell" in table(HEADERS, [])
