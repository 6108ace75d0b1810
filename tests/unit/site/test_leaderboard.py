from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Status
from harness.site.cell_history import cell_histories
from harness.site.leaderboard import Board, CellGroup, boards, charts_of


def shown(results: Sequence[Result], headline: str = "latency") -> list[Board]:
    """The leaderboards of these results."""
    histories = cell_histories(results)
    places = {(one.cell.id, one.host.fingerprint): one for one in histories}
    return boards(histories, places, lambda scenario: headline)


def only_group(results: Sequence[Result], headline: str = "latency") -> CellGroup:
    [board] = shown(results, headline)
    [group] = board.groups
    return group


def test_each_host_and_scenario_has_its_board(sample: ModuleType) -> None:
    found = shown(sample.make_database())
    assert [(board.host, board.scenario) for board in found] == [
        (host, scenario)
        for host in (sample.SERVER, sample.LAPTOP)
        for scenario in ("decode", "generate", "prefill", "train")
    ]


def test_models_and_workloads_are_not_ranked_together(sample: ModuleType) -> None:
    cell = sample.make_cell()
    longer = cell.replace(workload=(("batch", 1), ("prompt", 1024)))
    larger = cell.replace(model=replace(cell.model, name="other", label="other"))
    [board] = shown([sample.make_result(one) for one in (cell, longer, larger)])
    assert [(group.title, group.workload) for group in board.groups] == [
        ("gpt3-small", "batch 1, prompt 512"),
        ("gpt3-small", "batch 1, prompt 1,024"),
        ("other", "batch 1, prompt 512"),
    ]


def test_the_best_comes_first_whatever_the_direction(sample: ModuleType) -> None:
    slow = sample.make_result(sample.make_cell(operator="slow"), seconds=0.4)
    fast = sample.make_result(sample.make_cell(operator="fast"), seconds=0.1)
    for metric in ("latency", "tokens_per_second"):
        group = only_group([slow, fast], metric)
        assert [(row.rank, row.choices) for row in group.ranked] == [
            ("1", ("fast",)),
            ("2", ("slow",)),
        ]


def test_cells_that_the_data_cannot_separate_share_a_rank(sample: ModuleType) -> None:
    results = [
        sample.make_result(sample.make_cell(operator=name), seconds=seconds)
        for name, seconds in (("a", 0.200), ("b", 0.201), ("c", 0.4))
    ]
    assert [row.rank for row in only_group(results).ranked] == ["1–2", "1–2", "3"]


def test_a_failure_has_no_rank_but_a_reason(sample: ModuleType) -> None:
    failed = sample.make_failure(sample.make_cell(operator="b"), sample.make_run(), reason="why")
    group = only_group([sample.make_result(), failed])
    assert [(row.rank, row.reason) for row in group.unranked] == [("", "why")]
    assert len(group.ranked) == 1


def test_a_group_of_failures_only_has_no_ranks(sample: ModuleType) -> None:
    failed = sample.make_failure(sample.make_cell(), sample.make_run())
    group = only_group([failed])
    assert group.ranked == ()
    assert len(group.unranked) == 1
    assert charts_of(group) == []


def test_an_ok_result_without_the_ranking_metric_says_so(sample: ModuleType) -> None:
    group = only_group([sample.make_result()], headline="ttft")
    assert group.ranked == ()
    assert "TTFT" in group.unranked[0].reason


def test_a_value_that_is_not_a_number_is_never_ranked(sample: ModuleType) -> None:
    result = sample.make_result()
    broken = replace(result.metrics["latency"], value=math.nan)
    group = only_group([replace(result, metrics={**result.metrics, "latency": broken})])
    assert group.ranked == ()
    assert "not a finite number" in group.unranked[0].reason


def test_an_unfinished_cell_shows_its_progress(sample: ModuleType) -> None:
    unfinished = replace(sample.make_result(), status=Status.MEASURING)
    assert "3 measured so far" in only_group([unfinished]).unranked[0].reason


def test_quality_has_a_column_even_if_it_was_not_measured(sample: ModuleType) -> None:
    group = only_group([sample.make_result(error=None)])
    assert [column.metric for column in group.quality] == ["logit_error"]
    assert group.ranked[0].quality == (None,)


def test_rows_on_the_pareto_front_are_marked(sample: ModuleType) -> None:
    """Fast and inexact, and slow and exact, but not slower and less exact than both."""
    results = [
        sample.make_result(sample.make_cell(compression=name), seconds=seconds, error=error)
        for name, seconds, error in (
            ((), 0.3, 0.0),
            (("int8-dynamic",), 0.1, 0.02),
            (("magnitude",), 0.4, 0.03),
        )
    ]
    rows = only_group(results).ranked
    assert [(row.name.split()[0], row.on_pareto_front) for row in rows] == [
        ("int8-dynamic", True),
        ("none", True),
        ("magnitude", False),
    ]


def test_a_logit_error_needs_no_interval_to_be_worse(sample: ModuleType) -> None:
    """It is measured once, because each round builds the same model."""
    cells = [sample.make_cell(compression=name) for name in ((), ("int8-dynamic",))]
    alike = {
        name: one
        for name, one in sample.make_result(cells[0]).metrics.items()
        if name != "logit_error"
    }
    results = [
        replace(one, metrics={**alike, "logit_error": one.metrics["logit_error"]})
        for one in (
            sample.make_result(cell, error=error)
            for cell, error in zip(cells, (0.0, 0.02), strict=True)
        )
    ]
    rows = only_group(results).ranked
    assert {row.name.split()[0]: row.on_pareto_front for row in rows} == {
        "none": True,
        "int8-dynamic": False,
    }


def test_a_row_with_too_few_rounds_says_that_it_has_no_interval(sample: ModuleType) -> None:
    """It shares its rank with all others."""
    slow, fast = (
        sample.make_result(sample.make_cell(precision=name), seconds=seconds)
        for name, seconds in (("fp32", 0.3), ("bf16", 0.1))
    )
    name = "latency"
    unsure = replace(slow.metrics[name], low=None, high=None, rounds=2)
    rows = only_group([replace(slow, metrics={**slow.metrics, name: unsure}), fast]).ranked
    assert [(row.rank, row.rounds_text) for row in rows] == [
        ("1–2", "3"),
        ("1–2", "2 rounds: no interval"),
    ]


def test_without_quality_there_is_no_pareto_front(sample: ModuleType) -> None:
    assert not only_group([sample.make_result(error=None)]).ranked[0].on_pareto_front


def test_the_ranking_metric_is_the_first_column(sample: ModuleType) -> None:
    cell = sample.make_cell("generate")
    group = only_group([sample.make_result(cell)], headline="ttft")
    assert [column.metric for column in group.columns] == [
        "ttft",
        "latency",
        "tokens_per_second",
        "tpot",
        "peak_memory",
        "model_bytes",
    ]


def test_only_the_newest_result_of_a_cell_is_ranked(sample: ModuleType) -> None:
    results = [
        sample.make_result(run=sample.make_run(commit), seconds=seconds)
        for commit, seconds in zip(sample.COMMITS, (0.3, 0.2, 0.1), strict=True)
    ]
    [row] = only_group(results).ranked
    assert row.result.run.commit == sample.COMMITS[-1]


def test_results_of_different_commits_have_a_commit_column(sample: ModuleType) -> None:
    old = sample.make_result(sample.make_cell(operator="a"), sample.make_run(sample.COMMITS[0]))
    new = sample.make_result(sample.make_cell(operator="b"), sample.make_run(sample.COMMITS[1]))
    assert only_group([old, new]).varying == ("operator", "commit")


def test_bars_need_two_rows(sample: ModuleType) -> None:
    results = [sample.make_result(sample.make_cell(operator=name)) for name in ("a", "b")]
    assert charts_of(only_group(results[:1])) == []
    assert len(charts_of(only_group(results))) == 1


def test_speed_is_drawn_against_quality_if_quality_differs(sample: ModuleType) -> None:
    results = [
        sample.make_result(sample.make_cell(operator=name), error=error)
        for name, error in (("a", 0.0), ("b", 0.01))
    ]
    bars, trade_off = charts_of(only_group(results))
    assert "95% intervals; lower is better" in bars.caption
    assert "bottom left is best" in trade_off.caption


def test_a_row_names_the_interference(sample: ModuleType) -> None:
    plain = sample.make_result()
    busy = tuple(replace(one, facts={"host_others": 0.2}) for one in plain.rounds)
    [row] = only_group([replace(plain, rounds=busy)]).ranked
    assert row.disturbed == (
        "other processes used 20% of the CPU in 3 of 3 rounds",
        "3 of 3 rounds were disturbed; all count, because fewer than 3 were undisturbed",
    )
    assert only_group([plain]).ranked[0].disturbed == ()


def test_utilisation_has_columns_if_the_hosts_ceilings_are_known(sample: ModuleType) -> None:
    """Background figures stay on the cell's page."""
    plain = sample.make_result()
    share = Estimate(0.41, 0.4, 0.42, "1", Direction.HIGHER, 3, 60)
    metrics = {**plain.metrics, "mfu": share, "roofline_share": share}
    group = only_group([replace(plain, metrics=metrics)])
    assert [column.title for column in group.columns].count("MFU") == 1
    column = next(column for column in group.columns if column.metric == "mfu")
    assert column.scale.symbol == "%"
    assert "roofline_share" not in [column.metric for column in group.columns]
