from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from harness.domain.result import Result
from harness.site.baseline import Gain, gain
from harness.site.cell_history import cell_histories


def gain_of(result: Result, *others: Result) -> Gain:
    """The latency gain of the first result's cell, among the others."""
    histories = cell_histories([result, *others])
    places = {(one.cell.id, one.host.fingerprint): one for one in histories}
    return gain(places[result.cell.id, result.run.host.fingerprint], places, "latency")


def test_twice_as_fast_is_a_speed_up_of_two(sample: ModuleType) -> None:
    slow = sample.make_result(seconds=0.4)
    fast = sample.make_result(sample.make_cell(operator="x"), seconds=0.2, baseline=slow.cell.id)
    found = gain_of(fast, slow)
    assert found.figure is not None
    assert found.figure.value == "2.00"
    assert found.figure.interval != ""


def test_a_spec_without_a_baseline_gives_no_speed_up(sample: ModuleType) -> None:
    assert gain_of(sample.make_result()).why_not == "its spec names no baseline"


def test_the_baseline_knows_itself(sample: ModuleType) -> None:
    cell = sample.make_cell()
    assert gain_of(sample.make_result(cell, baseline=cell.id)).is_baseline


@pytest.mark.parametrize("apart", ["commit", "changes", "software", "host"])
def test_a_baseline_measured_under_other_conditions_gives_no_speed_up(
    sample: ModuleType, apart: str
) -> None:
    run = sample.make_run()
    other = {
        "commit": sample.make_run(sample.COMMITS[1]),
        "changes": replace(run, commit=replace(run.commit, dirty="d1")),
        "software": sample.make_run(torch="2.12.0"),
        "host": sample.make_run(host=sample.SERVER),
    }[apart]
    baseline = sample.make_result(run=other)
    result = sample.make_result(sample.make_cell(operator="x"), run, baseline=baseline.cell.id)
    found = gain_of(result, baseline)
    assert found.figure is None
    assert "not measured at this commit" in found.why_not


def test_an_older_result_of_the_baseline_counts_if_its_conditions_match(
    sample: ModuleType,
) -> None:
    old, new = (sample.make_run(commit) for commit in sample.COMMITS[:2])
    baseline = [sample.make_result(run=old, seconds=0.4), sample.make_result(run=new, seconds=9)]
    cell = sample.make_cell(operator="x")
    result = sample.make_result(cell, old, seconds=0.1, baseline=baseline[0].cell.id)
    found = gain_of(result, *baseline)
    assert found.figure is not None
    assert found.figure.value == "4.00"


def test_a_failed_baseline_is_given_as_the_reason(sample: ModuleType) -> None:
    baseline = sample.make_failure(sample.make_cell(), sample.make_run())
    result = sample.make_result(sample.make_cell(operator="x"), baseline=baseline.cell.id)
    assert "its status is: failed" in gain_of(result, baseline).why_not
