"""A metric over commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.analyse.history import Point, all_series, changes
from harness.domain.cell import Cell
from harness.domain.metric import Estimate
from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment, Host, Run

MakeResult = Callable[..., Result]
OLD, NEW = Environment({"torch": "2.12.0"}), Environment({"torch": "2.13.0"})
DAY = timedelta(days=1)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
FIRST = Commit("a" * 40, date=START)
SECOND = Commit("b" * 40, date=START + DAY)


@pytest.fixture
def result(
    host: Host, make_cell: Callable[..., Cell], estimate: Callable[..., Estimate]
) -> MakeResult:
    """The result of a latency at a commit, measured `days` after the start."""

    def made(
        commit: Commit,
        value: float,
        days: float = 5,
        status: Status = Status.OK,
        environment: Environment = NEW,
    ) -> Result:
        started = START + days * DAY
        run = Run(commit, host, environment, started, seed=0)
        return Result(run, make_cell(), status, metrics={"latency": estimate(value, value / 10)})

    return made


def points_of(results: Iterable[Result]) -> list[Point]:
    """The latencies, which all come from one environment."""
    [one] = all_series(results, "latency")
    return list(one.points)


def test_points_come_in_the_order_of_the_commits(result: MakeResult) -> None:
    """Not in the order of the runs: an old commit can be measured late."""
    points = points_of([result(FIRST, 1.0, days=9), result(SECOND, 2.0, days=3)])
    assert points == [
        Point(FIRST, START, 1.0, 0.9, 1.1),
        Point(SECOND, START + DAY, 2.0, 1.8, 2.2),
    ]


def test_of_several_runs_of_a_commit_the_newest_counts(result: MakeResult) -> None:
    """In whatever order they are given."""
    runs = [result(FIRST, 1.0, days=2), result(FIRST, 3.0, days=4), result(FIRST, 2.0, days=3)]
    for given in (runs, runs[::-1]):
        assert [point.value for point in points_of(given)] == [3.0]


def test_a_dirty_tree_is_a_subject_of_its_own(result: MakeResult) -> None:
    """It comes after the clean commit that it is based on, as it was measured later."""
    dirty = replace(FIRST, dirty="d1147")
    points = points_of([result(dirty, 2.0, days=4), result(FIRST, 1.0, days=3)])
    assert [FIRST, dirty] == [point.commit for point in points]


def test_outside_a_repository_every_run_is_a_point(result: MakeResult) -> None:
    """The subject may have changed between runs. The run's start is the point's date."""
    none = Commit("")
    points = points_of([result(none, 2.0, days=2), result(none, 1.0, days=1)])
    assert [(point.when, point.value) for point in points] == [
        (START + DAY, 1.0),
        (START + 2 * DAY, 2.0),
    ]


def test_a_failed_result_has_no_point(result: MakeResult) -> None:
    """Nor does today's failure hide yesterday's success."""
    results = [result(FIRST, 1.0, days=1)]
    results += [result(FIRST, 9.0, days=2, status=one) for one in Status if one is not Status.OK]
    assert [point.value for point in points_of(results)] == [1.0]


def test_a_result_without_the_metric_has_no_point(result: MakeResult) -> None:
    assert all_series([result(FIRST, 1.0)], "ttft") == []


def test_an_environment_has_a_series_of_its_own(result: MakeResult) -> None:
    """A commit measured in two environments is in both, whatever the order of the runs."""
    runs = [
        result(FIRST, 1.0, days=2, environment=OLD),
        result(FIRST, 3.0, days=4),
        result(SECOND, 2.0, days=3, environment=OLD),
        result(SECOND, 4.0, days=5),
    ]
    for given in (runs, runs[::-1]):
        found = all_series(given, "latency")
        assert [one.environment for one in found] == [OLD, NEW]
        assert [[point.value for point in one.points] for one in found] == [[1.0, 2.0], [3.0, 4.0]]


def test_the_environment_of_the_newest_point_comes_last(result: MakeResult) -> None:
    """Even if it also occurred earlier: an upgrade can be undone."""
    third = Commit("c" * 40, date=START + 2 * DAY)
    found = all_series(
        [result(FIRST, 1.0), result(SECOND, 2.0, environment=OLD), result(third, 3.0)], "latency"
    )
    assert [[point.value for point in one.points] for one in found] == [[2.0], [1.0, 3.0]]


def test_changes_name_the_packages_that_differ() -> None:
    before = Environment({"torch": "2.12.0", "python": "3.12.1", "horovod": "0.28.1"})
    after = Environment({"torch": "2.13.0", "python": "3.12.1", "triton": "3.1.0"})
    assert changes(before, after) == (
        "horovod removed",
        "torch 2.12.0 → 2.13.0",
        "triton 3.1.0 added",
    )
    assert changes(before, before) == ()
