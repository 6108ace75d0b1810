from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import ModuleType

from harness.domain.result import Status
from harness.domain.run import Commit
from harness.site.cell_history import cell_histories, newest_first


def test_one_cell_on_two_hosts_has_two_histories(sample: ModuleType) -> None:
    on_both = [
        sample.make_result(run=sample.make_run(host=h)) for h in (sample.LAPTOP, sample.SERVER)
    ]
    histories = cell_histories(on_both)
    assert {one.host for one in histories} == {sample.LAPTOP, sample.SERVER}
    assert len({one.page for one in histories}) == 2


def test_measuring_an_old_commit_today_does_not_make_it_the_newest(sample: ModuleType) -> None:
    first, second = (sample.make_run(commit) for commit in sample.COMMITS[:2])
    late = replace(first, started=second.started + timedelta(days=30))
    histories = cell_histories([sample.make_result(run=late), sample.make_result(run=second)])
    assert histories[0].newest.run.commit == second.commit


def test_the_latest_run_of_a_commit_is_the_newest(sample: ModuleType) -> None:
    run = sample.make_run()
    again = replace(run, started=run.started + timedelta(hours=1))
    results = newest_first([sample.make_result(run=run), sample.make_result(run=again)])
    assert results[0].run == again


def test_a_result_without_figures_is_the_newest_only_if_there_is_no_other(
    sample: ModuleType,
) -> None:
    """A run that goes on, or whose budget was too small, must not empty the leaderboard."""
    first, second = (sample.make_run(commit) for commit in sample.COMMITS[:2])
    begun = replace(sample.make_result(run=second), status=Status.MEASURING)
    [history] = cell_histories([begun, sample.make_result(run=first)])
    assert history.newest.run.commit == first.commit
    [history] = cell_histories([begun])
    assert history.newest == begun


def test_without_a_commit_the_runs_start_counts(sample: ModuleType) -> None:
    run = replace(sample.make_run(sample.COMMITS[0]), commit=Commit(sha=""))
    later = replace(run, started=run.started + timedelta(days=9))
    ordered = newest_first([sample.make_result(run=one) for one in (run, later)])
    assert [later.started, run.started] == [one.run.started for one in ordered]


def test_times_with_and_without_a_zone_can_be_ordered(sample: ModuleType) -> None:
    run = sample.make_run()
    naive = replace(run, started=run.started.replace(tzinfo=None) + timedelta(hours=1))
    ordered = newest_first([sample.make_result(run=one) for one in (run, naive)])
    assert ordered[0].run == naive


def test_a_page_is_named_by_cell_and_host(sample: ModuleType) -> None:
    [one] = cell_histories([sample.make_result()])
    assert one.page == f"cells/{one.cell.id}-{sample.LAPTOP.fingerprint}.html"
