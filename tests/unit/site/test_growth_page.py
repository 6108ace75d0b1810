"""The page that shows how time and memory grow with the prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from harness.domain.result import Result
from harness.site.build import build
from harness.site.cell_history import cell_histories
from harness.site.growth_page import growth_tables

LENGTHS = (256, 512, 1024)


@pytest.fixture
def results(sample: ModuleType) -> list[Result]:
    """A quadratic operator with batches of 1 and 4, and a linear operator."""
    laws = (("math", 1, 2.0), ("math", 4, 2.0), ("banded", 1, 1.0))
    return [
        measured(sample, operator, batch, length, (length / 256) ** exponent)
        for operator, batch, exponent in laws
        for length in LENGTHS
    ]


def measured(sample: ModuleType, operator: str, batch: int, prompt: int, seconds: float) -> Result:
    """A prefill that took this many seconds in each of its rounds."""
    cell = sample.make_cell("prefill", operator=operator)
    cell = cell.replace(workload=(("batch", batch), ("prompt", prompt)))
    result: Result = sample.make_result(cell, seconds=seconds)
    rounds = tuple(replace(one, values={"latency": seconds}) for one in result.rounds)
    return replace(result, rounds=rounds)


def test_each_series_has_its_exponent_and_its_own_name(results: list[Result]) -> None:
    """The name has every choice that differs, the batch too."""
    (table,) = growth_tables(cell_histories(results))
    assert (table.scenario, table.lengths, table.metrics) == ("prefill", LENGTHS, ("Latency",))
    rows = {row.name: row.exponents for row in table.rows}
    assert set(rows) == {"math batch=1", "math batch=4", "banded batch=1"}
    found = {name: figure.raw for name, (figure,) in rows.items() if figure is not None}
    assert found == pytest.approx({"math batch=1": 2, "math batch=4": 2, "banded batch=1": 1})


def test_its_chart_is_logarithmic_on_both_axes(results: list[Result]) -> None:
    """So a power law is a straight line."""
    (table,) = growth_tables(cell_histories(results))
    (chart,) = table.charts
    encoding = chart.spec["encoding"]
    assert [encoding[axis]["scale"]["type"] for axis in ("x", "y")] == ["log", "log"]
    assert len(chart.spec["data"]["values"]) == 3 * len(LENGTHS)


def test_the_page_shows_the_series_or_says_that_there_are_none(
    results: list[Result], tmp_path: Path
) -> None:
    build(results, tmp_path / "site")
    page = (tmp_path / "site" / "growth.html").read_text()
    assert "math batch=4" in page
    assert "prompts of 256, 512, 1024 tokens" in page
    build(results[:2], tmp_path / "site")
    assert "No cell has been measured" in (tmp_path / "site" / "growth.html").read_text()
