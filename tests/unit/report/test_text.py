"""Flat tables as text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType

from harness.domain.result import Status
from harness.report.rows import Flat, metric_rows
from harness.report.text import csv_lines, json_lines

FLAT = Flat(
    {"a": str, "b": float, "c": bool, "d": datetime},
    [
        {"a": "x, y", "b": float("inf"), "c": True, "d": datetime(2026, 1, 5, tzinfo=UTC)},
        {"a": "-x", "b": -1.5},
    ],
)


def test_csv_quotes_what_a_spreadsheet_would_run() -> None:
    """A number stays a number, and what is missing is empty."""
    assert list(csv_lines(FLAT)) == [
        "a,b,c,d\n",
        '"x, y",inf,true,2026-01-05T00:00:00+00:00\n',
        "'-x,-1.5,,\n",
    ]


def test_json_lines_are_strict_json() -> None:
    """A number that JSON does not have becomes a text."""

    def refused(name: str) -> None:
        raise AssertionError(name)

    found = [json.loads(line, parse_constant=refused) for line in json_lines(FLAT)]
    assert found == [
        {"a": "x, y", "b": "inf", "c": True, "d": "2026-01-05T00:00:00+00:00"},
        {"a": "-x", "b": -1.5, "c": None, "d": None},
    ]


def test_a_metric_that_was_not_measured_has_its_reason(site_samples: ModuleType) -> None:
    result = site_samples.make_result()
    noted = replace(result.rounds[0], notes={"energy_per_token": "no counter", "host_x": "busy"})
    flat = metric_rows([replace(result, rounds=(noted,))])
    (row,) = [row for row in flat.rows if row["metric"] == "energy_per_token"]
    assert (row.get("value"), row["reason"], row["status"]) == (None, "no counter", "ok")


def test_only_the_wanted_metrics_and_all_failures_are_rows(site_samples: ModuleType) -> None:
    cell = site_samples.make_cell(operator="math")
    failed = site_samples.make_failure(cell, site_samples.make_run(), Status.CRASHED, "SIGSEGV")
    flat = metric_rows([site_samples.make_result(), failed], ["latency"])
    found = [(row["metric"], row["status"], row["reason"]) for row in flat.rows]
    assert found == [("latency", "ok", ""), (None, "crashed", "SIGSEGV")]
