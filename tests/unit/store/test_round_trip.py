"""Values are loaded as they were saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.metric import Estimate
from harness.domain.result import Result, Round, Status, StopRule
from harness.domain.run import Commit, Environment, Host, Run
from harness.domain.selfcheck import SelfCheck
from harness.store import Store

MakeCell = Callable[..., Cell]
MakeRun = Callable[..., Run]
MakeRound = Callable[..., Round]


def save(store: Store, run: Run, cell: Cell, status: Status = Status.OK) -> int:
    """Saves a result without figures, and returns its key."""
    key = store.open_result(run, cell, None, adopt=None)
    store.close_result(key, status)
    return key


def test_a_result_is_loaded_with_all_its_parts(
    path: Path,
    make_run: MakeRun,
    make_cell: MakeCell,
    make_round: MakeRound,
    metrics: dict[str, Estimate],
    odd: str,
) -> None:
    """Exact to the bit and the character, after the database was closed and opened again."""
    cell = make_cell(
        model=Choice("shape", (("d_model", 64), ("weights", odd)), label=odd),
        parallelism=(Choice("data", (("degree", 2),)), Choice("tensor", (("degree", 2),))),
        compression=(Choice("prune", (("layers", (1, 2)), ("share", 0.5), ("structured", True))),),
    )
    rounds = (make_round(0), make_round(1, status=Status.CRASHED, started=None))
    with Store(Location.file(path)) as store:
        run = store.begin(make_run())
        key = store.open_result(run, cell, "ba5e11e0ba5e11e0", adopt=None)
        for one in rounds:
            store.save_round(key, run, one)
        store.close_result(key, Status.OK, odd, odd, StopRule.TIME_BOX, metrics)
    with Store(Location.file(path)) as store:
        loaded = store.results(samples=True)
    expected = Result(
        run=run,
        cell=cell,
        status=Status.OK,
        reason=odd,
        detail=odd,
        stop_rule=StopRule.TIME_BOX,
        baseline="ba5e11e0ba5e11e0",
        metrics=metrics,
        rounds=rounds,
        id=key,
    )
    assert [expected] == loaded
    assert loaded[0].cell.id == cell.id
    assert loaded[0].cell.model.label == odd
    assert loaded[0].run.host.fingerprint == run.host.fingerprint


def test_samples_are_loaded_only_on_request(
    store: Store, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound
) -> None:
    """There can be a million, and a list of results needs none."""
    run = store.begin(make_run())
    store.save_round(store.open_result(run, make_cell(), None, None), run, make_round())
    (result,) = store.results()
    assert result.rounds == (make_round(samples=(), scores=()),)


def test_rounds_are_loaded_in_order(
    store: Store, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound
) -> None:
    run = store.begin(make_run())
    key = store.open_result(run, make_cell(), None, None)
    for index in (2, 0, 1):
        store.save_round(key, run, make_round(index))
    assert [make_round(0), make_round(1), make_round(2)] == store.rounds_of(key)


def test_a_round_without_samples_and_facts_is_kept(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Such as the round of a crash."""
    run = store.begin(make_run())
    key = store.open_result(run, make_cell(), None, None)
    store.save_round(key, run, Round(0, Status.CRASHED, "died by SIGSEGV"))
    assert [Round(0, Status.CRASHED, "died by SIGSEGV")] == store.rounds_of(key)


@pytest.mark.parametrize("status", Status)
def test_every_status_is_kept(
    store: Store, make_run: MakeRun, make_cell: MakeCell, status: Status
) -> None:
    save(store, store.begin(make_run()), make_cell(), status)
    assert [status] == [result.status for result in store.results()]


@pytest.mark.parametrize("rule", [*StopRule, None])
def test_every_stop_rule_is_kept(
    store: Store, make_run: MakeRun, make_cell: MakeCell, rule: StopRule | None
) -> None:
    key = store.open_result(store.begin(make_run()), make_cell(), None, None)
    store.close_result(key, Status.OK, stop_rule=rule)
    assert [rule] == [result.stop_rule for result in store.results()]


def test_a_result_is_being_measured_until_it_is_closed(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    store.open_result(store.begin(make_run()), make_cell(), None, None)
    assert [result.status for result in store.results()] == [Status.MEASURING]


def test_a_subject_outside_a_repository_has_no_date(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    save(store, store.begin(make_run(commit=Commit(""))), make_cell())
    assert [Commit("")] == [result.run.commit for result in store.results()]


def test_a_run_has_no_end_until_it_ends(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    run = store.begin(make_run())
    save(store, run, make_cell())
    assert [run] == [result.run for result in store.results()]
    before = datetime.now(UTC)
    store.finish(run)
    (result,) = store.results()
    assert result.run.finished is not None
    assert before <= result.run.finished <= datetime.now(UTC)


def test_the_newest_result_of_each_cell_and_host_is_loaded_newest_first(
    store: Store, make_run: MakeRun, make_cell: MakeCell, host: Host
) -> None:
    """A result on one host does not replace another host's."""
    mine, yours = make_run(), make_run(host=replace(host, cpu="another"))
    old, foreign, new = store.begin(mine), store.begin(yours), store.begin(mine)
    keys = [save(store, run, make_cell()) for run in (old, foreign, new)]
    assert keys[1:][::-1] == [result.id for result in store.results()]
    assert keys[::-1] == [result.id for result in store.results(newest_only=False)]


def test_a_late_result_of_an_old_commit_is_not_the_newest(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Results are ordered by the date of their commit, then by the time of their run."""
    old, new = (
        Commit(sha * 40, date=datetime(2026, 1, day, tzinfo=UTC))
        for sha, day in (("a", 2), ("b", 3))
    )
    days = [datetime(2026, 2, day, tzinfo=UTC) for day in (1, 2, 3)]
    for commit, started in ((new, days[1]), (new, days[0]), (old, days[2])):
        save(store, store.begin(make_run(commit=commit, started=started)), make_cell())
    expected = [(new, days[1]), (new, days[0]), (old, days[2])]
    every = store.results(newest_only=False)
    assert expected == [(result.run.commit, result.run.started) for result in every]
    assert expected[:1] == [(one.run.commit, one.run.started) for one in store.results()]


def test_more_results_than_one_statement_can_name_are_loaded(
    store: Store, make_run: MakeRun, make_cell: MakeCell, metrics: dict[str, Estimate]
) -> None:
    """SQLite limits the number of values in a statement."""
    run = store.begin(make_run())
    for prompt in range(1000):
        cell = make_cell(workload=(("batch", 1), ("prompt", prompt)))
        key = store.open_result(run, cell, None, None)
        store.close_result(key, Status.OK, metrics=metrics)
    results = store.results()
    assert list(range(1000))[::-1] == [result.cell.load["prompt"] for result in results]
    assert all(result.metrics == metrics for result in results)


def test_an_empty_database_has_no_results(store: Store) -> None:
    assert store.results() == []
    assert store.rounds_of(1) == []


def test_the_newest_self_check_of_a_host_and_cell_counts(
    store: Store, host: Host, make_cell: Callable[..., Cell]
) -> None:
    """Older ones stay stored."""
    first = SelfCheck(
        make_cell(), "latency", 50, 7.5, 0.02, 0.01, 0.03, 0.95, datetime(2026, 1, 5, tzinfo=UTC)
    )
    other = replace(first, cell=make_cell(scenario=Choice("train")))
    newer = replace(first, trials=60)
    environment = Environment({"torch": "2.13.0"})
    for check in (first, other, newer):
        store.save_selfcheck(host, environment, check)
    assert [(host, other), (host, newer)] == store.selfchecks()
