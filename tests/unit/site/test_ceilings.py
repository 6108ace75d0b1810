"""The page of the machines' ceilings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from harness.domain.ceiling import Ceiling, CeilingKind, Ceilings
from harness.domain.run import Environment, Host
from harness.site.build import build
from harness.site.ceilings import tables, title

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
FOUND = (
    Ceiling("gemm_fp32", 324e9, "FLOP/s", CeilingKind.MEASURED, "torch.matmul, 2 threads"),
    Ceiling("gemm_fp32", 360e9, "FLOP/s", CeilingKind.THEORETICAL, "2 cores x 64"),
    Ceiling("memory_read", 34e9, "B/s", CeilingKind.MEASURED, "torch.dot", others=0.4),
)


def ceilings(host: Host, hardware: str = "local", **changes: object) -> Ceilings:
    plain = Ceilings(host, Environment({"torch": "2.13.0"}), hardware, FOUND, NOW)
    return replace(plain, **changes)  # type: ignore[arg-type]  # of any field


def test_a_line_shows_the_measurement_the_theory_and_the_share_reached(host: Host) -> None:
    (table,) = tables([ceilings(host)])
    fp32, read = table.lines
    assert fp32.figures == ("324 GFLOP/s", "360 GFLOP/s", None)
    assert fp32.reached == "90%"
    assert (fp32.measured, fp32.too_low) == ("torch.matmul, 2 threads", False)
    assert fp32.sources == (("theoretical", "2 cores x 64"),)
    assert (read.figures, read.reached) == (("34 GB/s", None, None), "")
    assert read.too_low
    assert "too low: other work took 40%" in read.measured


def test_theory_that_a_measurement_refutes_is_replaced_by_the_reason(host: Host) -> None:
    """For example on a processor that identifies itself as an older one."""
    found = (replace(FOUND[0], value=377e9), *FOUND[1:])
    (table,) = tables([ceilings(host, found=found)])
    fp32 = table.lines[0]
    assert (fp32.figures, fp32.reached, fp32.sources) == (("377 GFLOP/s", None, None), "", ())
    (reason,) = (value for name, value in table.facts if name == "no theory")
    assert "gemm_fp32 was measured at" in reason


def test_the_newest_environment_counts(host: Host) -> None:
    """With a new torch the ceilings are measured anew, and the old ones are history."""
    old = ceilings(host, environment=Environment({"torch": "2.12.0"}), saved=NOW - timedelta(1))
    (table,) = tables([old, ceilings(host)])
    assert ("software", "torch 2.13.0") in table.facts


def test_every_host_and_hardware_has_a_table(host: Host) -> None:
    other = replace(host, cpu="another")
    found = [ceilings(host), ceilings(host, "cpu(threads=1)"), ceilings(other)]
    shown = [(table.host, table.hardware) for table in tables(found)]
    assert len(shown) == 3
    assert len({table.anchor for table in tables(found)}) == 3
    assert shown == [(table.host, table.hardware) for table in tables(found[::-1])]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gemm_bf16", "Matrix products in bf16"),
        ("all_reduce_2", "All-reduce over 2 processes"),
        ("memory_read", "Reading memory"),
        ("memory_read@32MiB", "Reading 32 MiB"),
        ("clock", "Frequency under load"),
        ("something_new", "Something new"),
    ],
)
def test_ceilings_have_titles(name: str, words: str) -> None:
    assert title(name) == words


def test_the_bandwidth_curve_is_a_chart_apart_from_the_lines(host: Host) -> None:
    points = tuple(
        Ceiling(f"memory_read@{size}", value, "B/s", CeilingKind.MEASURED, "torch.mv")
        for size, value in (("32MiB", 90e9), ("1GiB", 30e9))
    )
    (table,) = tables([ceilings(host, found=(*FOUND, *points))])
    assert [line.title for line in table.lines] == ["Matrix products in fp32", "Reading memory"]
    assert [line.figures[0] for line in table.curve] == ["90 GB/s", "30 GB/s"]
    assert table.chart is not None
    assert table.chart.spec["data"]["values"] == [
        {"size": 32, "value": 90},
        {"size": 1024, "value": 30},
    ]
    (alone,) = tables([ceilings(host, found=(*FOUND, points[0]))])
    assert alone.chart is None


def test_the_page_shows_the_ceilings_and_escapes_all_texts(host: Host, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    hostile = ceilings(
        replace(host, cpu=evil), evil, found=tuple(replace(one, how=evil) for one in FOUND)
    )
    build([], tmp_path, ceilings=[hostile])
    page = (tmp_path / "ceilings.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert page.count("&lt;img src=x") >= 4
    assert "324 GFLOP/s" in page


def test_the_page_without_ceilings_says_what_to_run(sample: ModuleType, tmp_path: Path) -> None:
    index = build([sample.make_result()], tmp_path)
    assert "harness ceiling" in (tmp_path / "ceilings.html").read_text(encoding="utf-8")
    assert 'href="ceilings.html"' in index.read_text(encoding="utf-8")
