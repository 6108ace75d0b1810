from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Sample, Status
from harness.domain.run import Commit
from harness.site.cell_history import cell_histories
from harness.site.cell_page import CellView, sections, view


def page_of(results: Sequence[Result], headline: str = "latency") -> CellView:
    """The content of the page of the only cell."""
    [one] = cell_histories(results)
    places = {(one.cell.id, one.host.fingerprint): one}
    return view(one, places, headline, "0.1.0")


def at_commits(sample: ModuleType, *seconds: float) -> list[Result]:
    """One result for each commit, with these latencies."""
    return [
        sample.make_result(run=sample.make_run(commit), seconds=one)
        for commit, one in zip(sample.COMMITS, seconds, strict=False)
    ]


def test_a_second_commit_gives_each_metric_a_history(sample: ModuleType) -> None:
    shown = page_of(at_commits(sample, 0.3, 0.2))
    trend = shown.trends[0]
    assert trend.title == "Latency"
    assert [(row.label, row.subject, row.figure.value) for row in trend.rows] == [
        ("1a5c1e9", "Add the KV cache", "300"),
        ("2a5c2e9", "Fuse the QKV projection", "200"),
    ]
    assert len(trend.chart.spec["data"]["values"]) == 2
    assert len(shown.trends) == len(shown.metrics)


def test_a_history_says_where_the_environment_changed(sample: ModuleType) -> None:
    """A change of speed after an upgrade of torch is not due to the commit."""
    first, second, third = sample.COMMITS
    runs = [
        sample.make_run(first, torch="2.12.0"),
        sample.make_run(second, torch="2.12.0"),
        sample.make_run(second),
        sample.make_run(third),
    ]
    trend = page_of([sample.make_result(run=run) for run in runs]).trends[0]
    assert [(row.label, row.change) for row in trend.rows] == [
        ("1a5c1e9", ""),
        ("2a5c2e9", ""),
        ("2a5c2e9", "torch 2.12.0 → 2.13.0"),
        ("3a5c3e9", ""),
    ]
    assert "over 3 commits" in trend.chart.caption
    assert "A dashed line marks a change of the environment" in trend.chart.caption


def test_one_commit_has_no_history_yet(sample: ModuleType) -> None:
    assert page_of(at_commits(sample, 0.3)).trends == ()


def test_a_metric_that_is_never_a_number_has_no_history(sample: ModuleType) -> None:
    results = [
        replace(one, metrics={"latency": replace(one.metrics["latency"], value=math.nan)})
        for one in at_commits(sample, 0.3, 0.2)
    ]
    shown = page_of(results)
    assert shown.trends == ()
    assert shown.metrics[0].figure.value == "NaN"


def test_assumptions_about_the_model_are_shown_beside_its_axes(sample: ModuleType) -> None:
    one = sample.make_result()
    assert "assumed" not in dict(page_of([one]).axes)
    notes = (Round(0, Status.OK, notes={"assumed": "2 heads are assumed"}),)
    shown = page_of([replace(one, rounds=notes)])
    assert dict(shown.axes)["assumed"] == "2 heads are assumed"


def test_too_few_documents_for_an_interval_are_stated(sample: ModuleType) -> None:
    """Beside each quality figure, and beside no other."""
    loss = Estimate(0.1, None, None, "bit/B", Direction.LOWER, 1, 5)
    one = sample.make_result()
    shown = page_of([replace(one, metrics={**one.metrics, "quality_loss": loss})])
    intervals = {row.metric: row.figure.interval for row in shown.metrics}
    assert intervals.pop("quality_loss") == "5 documents: no interval"
    assert not any("documents" in interval for interval in intervals.values())


def test_uncommitted_changes_are_a_separate_point(sample: ModuleType) -> None:
    clean = sample.make_run()
    dirty = replace(clean, commit=replace(clean.commit, dirty="ab12"))
    results = [sample.make_result(run=run) for run in (clean, dirty)]
    labels = [row.label for row in page_of(results).trends[0].rows]
    assert labels == ["1a5c1e9", "1a5c1e9+dirty"]


def test_outside_a_repository_a_point_is_named_by_its_time(sample: ModuleType) -> None:
    runs = [replace(run, commit=Commit("")) for run in map(sample.make_run, sample.COMMITS[:2])]
    rows = page_of([sample.make_result(run=run) for run in runs]).trends[0].rows
    assert [row.label for row in rows] == ["2026-01-06 10:30 UTC", "2026-01-07 10:30 UTC"]


def test_the_newest_result_is_shown_and_older_ones_are_listed(sample: ModuleType) -> None:
    shown = page_of(at_commits(sample, 0.3, 0.2, 0.1))
    assert shown.metrics[0].figure.value == "100"
    assert [figure.value for _, figure in shown.older if figure] == ["200", "300"]


def test_a_failure_has_provenance_but_no_figures(sample: ModuleType) -> None:
    shown = page_of([sample.make_failure(sample.make_cell(), sample.make_run())])
    assert (shown.metrics, shown.tiles, shown.sections) == ((), (), ())
    assert ("branch", "main") in shown.provenance


def test_a_label_is_followed_by_the_choice_it_names(sample: ModuleType) -> None:
    axes = dict(page_of([sample.make_result()]).axes)
    assert axes["model"] == "gpt3-small: shape (d_model 768, heads 12, layers 12)"
    assert axes["compression"] == "none"
    assert axes["prompt"] == "512"


def test_each_timed_section_has_its_own_chart(sample: ModuleType) -> None:
    rounds = sample.make_result(sample.make_cell("generate")).rounds
    assert [section.title for section in sections(rounds)] == ["Latency", "TTFT", "TPOT"]


def test_warm_up_does_not_count_in_figures(sample: ModuleType) -> None:
    taken = (Sample("latency", 9.0, warmup=True), Sample("latency", 0.2), Sample("latency", 0.4))
    [section] = sections([Round(0, Status.OK, samples=taken)])
    [row] = section.rows
    assert (row.measured, row.warmup) == (2, 1)
    assert (row.least, row.median, row.most) == ("200 ms", "300 ms", "400 ms")


def test_a_round_that_ended_in_its_warm_up_has_no_median(sample: ModuleType) -> None:
    taken = (Sample("latency", 9.0, warmup=True),)
    [section] = sections([Round(0, Status.TIMED_OUT, samples=taken)])
    assert (section.rows[0].measured, section.rows[0].median) == (0, "")


def test_a_page_that_thins_its_samples_says_so(sample: ModuleType) -> None:
    taken = tuple(Sample("latency", 0.2) for _ in range(3001))
    [section] = sections([Round(0, Status.OK, samples=taken)])
    assert "one in 2 of 3,001 samples" in section.chart.caption
