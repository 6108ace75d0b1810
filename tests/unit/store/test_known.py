"""Results that need not be measured again, and rounds of a dead run that can be continued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Known, Latest, Round, Status, StopRule, Took
from harness.domain.run import Commit, Environment, Host, Run
from harness.store import Store

MakeCell = Callable[..., Cell]
MakeRun = Callable[..., Run]
MakeRound = Callable[..., Round]

ALIVE, DEAD = 100, 200  # process ids


def is_alive(pid: int, started: float) -> bool:
    return pid == ALIVE


def known(store: Store, run: Run) -> dict[str, Known]:
    """The results that the store knows for such a run."""
    return store.known(run.commit, run.host, run.environment, is_alive)


def save(store: Store, run: Run, cell: Cell, status: Status, rounds: int = 0) -> int:
    """Saves a result with this many rounds, and closes it if the status is final."""
    key = store.open_result(run, cell, None, adopt=None)
    for index in range(rounds):
        store.save_round(key, run, Round(index, Status.OK, seconds=1.0))
    if status.final:
        store.close_result(key, status, f"as it is {status}")
    return key


def test_nothing_is_known_at_first(store: Store, make_run: MakeRun) -> None:
    assert known(store, make_run()) == {}


def test_a_result_of_the_same_commit_host_and_environment_is_known(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    key = save(store, store.begin(make_run()), make_cell(), Status.OK, rounds=3)
    expected = {make_cell().id: Known(Status.OK, "as it is ok", rounds=3, result=key)}
    assert expected == known(store, make_run())


@pytest.mark.parametrize("status", [one for one in Status if one.final])
def test_a_failure_is_known_too(
    store: Store, make_run: MakeRun, make_cell: MakeCell, status: Status
) -> None:
    save(store, store.begin(make_run()), make_cell(), status)
    assert [status] == [one.status for one in known(store, make_run()).values()]


@pytest.mark.parametrize(
    "change",
    [
        {"commit": Commit("b" * 40, dirty="d1147")},
        {"commit": Commit("a" * 40, dirty="")},
        {"commit": Commit("a" * 40, dirty="0ther")},
        {"commit": Commit("")},
        {"environment": Environment({"torch": "2.14.0", "harness": "0.1.0"})},
        {"environment": Environment({"torch": "2.13.0", "harness": "0.2.0"})},
    ],
    ids=["commit", "clean", "other changes", "no commit", "torch", "harness"],
)
def test_a_result_of_another_subject_or_environment_is_not_known(
    store: Store, make_run: MakeRun, make_cell: MakeCell, change: dict[str, object]
) -> None:
    save(store, store.begin(make_run()), make_cell(), Status.OK)
    assert known(store, make_run(**change)) == {}


def test_a_result_of_another_host_is_not_known(
    store: Store, make_run: MakeRun, make_cell: MakeCell, host: Host
) -> None:
    save(store, store.begin(make_run()), make_cell(), Status.OK)
    assert known(store, make_run(host=replace(host, physical_cores=64))) == {}


def test_another_branch_or_message_is_the_same_subject(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    save(store, store.begin(make_run()), make_cell(), Status.OK)
    renamed = replace(make_run().commit, branch="other", subject="reworded")
    assert list(known(store, make_run(commit=renamed))) == [make_cell().id]


def test_the_newest_result_counts(store: Store, make_run: MakeRun, make_cell: MakeCell) -> None:
    save(store, store.begin(make_run()), make_cell(), Status.OK, rounds=3)
    newest = save(store, store.begin(make_run()), make_cell(), Status.FAILED, rounds=1)
    (found,) = known(store, make_run()).values()
    assert (found.status, found.rounds, found.result) == (Status.FAILED, 1, newest)


def test_a_cell_that_a_live_run_is_measuring_is_not_known(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    save(store, store.begin(make_run(pid=ALIVE)), make_cell(), Status.MEASURING, rounds=2)
    assert known(store, make_run()) == {}


def test_a_cell_that_a_live_run_has_finished_is_known(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    save(store, store.begin(make_run(pid=ALIVE)), make_cell(), Status.OK)
    assert list(known(store, make_run())) == [make_cell().id]


def test_a_cell_that_a_dead_run_was_measuring_can_be_continued(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Its rounds are not lost."""
    key = save(store, store.begin(make_run(pid=DEAD)), make_cell(), Status.MEASURING, rounds=2)
    expected = {make_cell().id: Known(Status.MEASURING, rounds=2, result=key)}
    assert expected == known(store, make_run())


def test_a_cell_that_a_stopped_run_was_measuring_can_be_continued(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """The run is recorded as finished, although its process may still exist."""
    run = store.begin(make_run(pid=ALIVE))
    save(store, run, make_cell(), Status.MEASURING, rounds=2)
    store.finish(run)
    assert list(known(store, make_run())) == [make_cell().id]


@pytest.mark.parametrize("pid", [ALIVE, DEAD])
def test_an_unfinished_attempt_does_not_undo_a_result(
    store: Store, make_run: MakeRun, make_cell: MakeCell, pid: int
) -> None:
    """For example a run with `--fresh` that was stopped before its end."""
    key = save(store, store.begin(make_run(pid=DEAD)), make_cell(), Status.OK, rounds=3)
    save(store, store.begin(make_run(pid=pid)), make_cell(), Status.MEASURING, rounds=1)
    (found,) = known(store, make_run()).values()
    assert (found.status, found.result) == (Status.OK, key)


def test_a_dead_runs_result_is_adopted_with_its_rounds(
    store: Store, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound
) -> None:
    """The result becomes the new run's, and further rounds are added to the old ones."""
    dead = store.begin(make_run(pid=DEAD))
    key = store.open_result(dead, make_cell(), None, adopt=None)
    store.save_round(key, dead, make_round(0))
    run = store.begin(make_run(pid=ALIVE))
    assert key == store.open_result(run, make_cell(), None, adopt=key)
    store.save_round(key, run, make_round(1))
    store.close_result(key, Status.OK)
    (result,) = store.results(newest_only=False)
    assert (result.id, result.run.id) == (key, run.id)
    assert [one.index for one in result.rounds] == [0, 1]


def test_only_one_of_two_runs_adopts_a_result(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Both found it abandoned. The second run starts its own."""
    abandoned = save(store, store.begin(make_run(pid=DEAD)), make_cell(), Status.MEASURING, 1)
    one, other = store.begin(make_run()), store.begin(make_run())
    assert store.open_result(other, make_cell(), None, adopt=abandoned) == abandoned
    assert store.open_result(one, make_cell(), None, adopt=abandoned) != abandoned


def test_a_result_that_was_finished_meanwhile_is_not_adopted(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    done = save(store, store.begin(make_run(pid=DEAD)), make_cell(), Status.OK, 3)
    run = store.begin(make_run())
    assert store.open_result(run, make_cell(), None, adopt=done) != done
    assert [result.status for result in store.results(newest_only=False)] == [
        Status.MEASURING,
        Status.OK,
    ]


def test_the_duration_of_a_round_is_the_mean_on_this_kind_of_host(
    store: Store, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound, host: Host
) -> None:
    """Over all runs and commits, which is good enough for a forecast."""
    away = replace(host, cpu="another")
    other = make_cell(workload=(("batch", 8), ("prompt", 8)))
    for run, cell, seconds in (
        (make_run(), make_cell(), 1.0),
        (make_run(commit=Commit("b" * 40)), make_cell(), 2.0),
        (make_run(), other, 7.0),
        (make_run(host=away), make_cell(), 50.0),
    ):
        begun = store.begin(run)
        key = store.open_result(begun, cell, None, adopt=None)
        store.save_round(key, begun, make_round(seconds=seconds))
    expected = {make_cell().id: Took(1.5, rounds=1), other.id: Took(7.0, rounds=1)}
    assert expected == store.durations(make_run().host)
    assert {make_cell().id: Took(50.0, rounds=1)} == store.durations(away)


def test_the_number_of_rounds_is_that_of_the_longest_result(
    store: Store, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound
) -> None:
    """A cell takes more rounds on a noisy day, and the next day may be noisy."""
    for sha, rounds in (("a", 2), ("b", 5), ("c", 3)):
        begun = store.begin(make_run(commit=Commit(sha * 40)))
        key = store.open_result(begun, make_cell(), None, adopt=None)
        for index in range(rounds):
            store.save_round(key, begun, make_round(index=index, seconds=float(rounds)))
    took = store.durations(make_run().host)[make_cell().id]
    assert took == Took(seconds=(2 * 2 + 5 * 5 + 3 * 3) / 10, rounds=5)


def test_an_unknown_host_has_no_durations(store: Store, host: Host) -> None:
    assert store.durations(host) == {}


def figures(value: float) -> dict[str, Estimate]:
    """An estimate of one metric."""
    return {"latency": Estimate(value, None, None, "s", Direction.LOWER, 1, 1)}


def cut_short(store: Store, run: Run, cell: Cell) -> int:
    """Saves a result with a round, whose run's budget ended."""
    key = save(store, run, cell, Status.MEASURING, rounds=1)
    store.close_result(key, Status.OK, stop_rule=StopRule.BUDGET, metrics=figures(1.0))
    store.finish(run)
    return key


def test_a_result_that_a_budget_cut_short_is_shown_and_can_be_continued(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    key = cut_short(store, store.begin(make_run(pid=DEAD)), make_cell())
    rule = StopRule.BUDGET
    expected = Known(Status.OK, rounds=1, result=key, stop_rule=rule)
    assert known(store, make_run()) == {make_cell().id: expected}
    assert expected.is_open
    (result,) = store.results()
    assert (result.status, result.stop_rule, result.metrics) == (Status.OK, rule, figures(1.0))


def test_the_run_that_continues_it_replaces_its_figures(
    store: Store, make_run: MakeRun, make_cell: MakeCell, make_round: MakeRound
) -> None:
    """They stay until then, and the rounds of both runs count."""
    key = cut_short(store, store.begin(make_run(pid=DEAD)), make_cell())
    run = store.begin(make_run(pid=ALIVE))
    assert store.open_result(run, make_cell(), None, adopt=key) == key
    store.save_round(key, run, make_round(1))
    (result,) = store.results()
    assert (result.run.id, result.metrics) == (run.id, figures(1.0))
    assert known(store, make_run()) == {}  # a live run continues it
    store.close_result(key, Status.OK, stop_rule=StopRule.TARGET, metrics=figures(2.0))
    (result,) = store.results(newest_only=False)
    assert (result.stop_rule, result.metrics) == (StopRule.TARGET, figures(2.0))
    assert len(result.rounds) == 2


def test_a_continued_result_that_fails_keeps_no_figures(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    key = cut_short(store, store.begin(make_run(pid=DEAD)), make_cell())
    store.open_result(store.begin(make_run()), make_cell(), None, adopt=key)
    store.close_result(key, Status.CRASHED, "died by SIGSEGV")
    (result,) = store.results()
    assert (result.status, result.stop_rule, result.metrics) == (Status.CRASHED, None, {})


def test_the_latest_measurement_is_of_any_commit_but_of_this_host(
    store: Store, make_run: MakeRun, make_cell: MakeCell, host: Host
) -> None:
    """It says when its run began, and what it found. A result without a round is no measurement."""
    began = make_run().started
    other = make_cell(workload=(("batch", 8), ("prompt", 8)))
    for day, value in enumerate((1.0, 2.0)):
        run = make_run(commit=Commit(str(day) * 40), started=began + timedelta(days=day))
        run = store.begin(run)
        key = save(store, run, make_cell(), Status.MEASURING, rounds=1)
        store.close_result(key, Status.OK, metrics=figures(value))
    away = store.begin(make_run(host=replace(host, cpu="another")))
    save(store, away, other, Status.OK, rounds=1)
    later = store.begin(make_run(started=began + timedelta(days=2)))
    for cell in (make_cell(), other):
        store.open_result(later, cell, None, adopt=None)
    expected = Latest(began + timedelta(days=1), figures(2.0))
    assert store.latest(make_run().host) == {make_cell().id: expected}


def test_a_failure_is_a_measurement_too(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    run = store.begin(make_run())
    save(store, run, make_cell(), Status.CRASHED, rounds=1)
    assert store.latest(run.host) == {make_cell().id: Latest(run.started)}


def test_a_cell_that_was_not_reached_keeps_its_older_result_in_sight(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """A newer commit whose run is going on, or whose budget was too small, has no figures yet."""
    save(store, store.begin(make_run()), make_cell(), Status.OK, rounds=1)
    newer = make_run(commit=Commit("b" * 40), started=make_run().started + timedelta(days=1))
    store.open_result(store.begin(newer), make_cell(), None, adopt=None)
    assert [one.status for one in store.results()] == [Status.OK]
    both = [one.status for one in store.results(newest_only=False)]
    assert both == [Status.MEASURING, Status.OK]


def test_only_what_a_night_measured_itself_is_known_to_it(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """A night measures a commit again that an earlier run measured."""
    run = make_run()
    save(store, store.begin(run), make_cell(), Status.OK)
    place = (run.commit, run.host, run.environment, is_alive)
    assert len(store.known(*place, since=run.started)) == 1
    assert store.known(*place, since=run.started + timedelta(seconds=1)) == {}
