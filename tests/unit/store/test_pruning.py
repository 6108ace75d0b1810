"""Which old rounds keep their raw samples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Status
from harness.domain.run import Commit, Environment, Run
from harness.store import Store

MakeCell = Callable[..., Cell]
MakeRun = Callable[..., Run]
MakeRound = Callable[..., Round]
START = datetime(2026, 1, 5, tzinfo=UTC)
LATER = START + timedelta(days=100)


class Filler:
    """Adds results of one round each."""

    def __init__(self, store: Store, make_run: MakeRun, make_round: MakeRound) -> None:
        self.store, self.make_run, self.make_round = store, make_run, make_round

    def __call__(
        self, cell: Cell, day: int, status: Status = Status.OK, torch: str = "2.13.0"
    ) -> int:
        """The key of the round."""
        when = START + timedelta(days=day)
        commit = Commit(f"{day:040x}", date=when)
        environment = Environment({"torch": torch})
        run = self.store.begin(self.make_run(commit=commit, started=when, environment=environment))
        key = self.store.open_result(run, cell, None, adopt=None)
        one = self.store.save_round(key, run, self.make_round(started=when))
        if status is not Status.MEASURING:
            self.store.close_result(key, status)
        return one


def test_the_newest_of_each_series_keeps_its_samples(
    store: Store, make_run: MakeRun, make_round: MakeRound, make_cell: MakeCell
) -> None:
    """A series is a cell on a host in an environment."""
    fill, cell = Filler(store, make_run, make_round), make_cell()
    older = [fill(cell, 0), fill(cell, 1)]
    for kept in ((cell, 2), (make_cell(backend=Choice("compile")), 0)):
        fill(*kept)
    fill(cell, 0, torch="2.12.0")
    found = store.prunable(LATER)
    assert list(found.rounds) == older
    assert (found.samples, found.documents, found.kept_newest) == (6, 4, 3)


def test_a_late_failure_does_not_cost_the_newest_figures_their_samples(
    store: Store, make_run: MakeRun, make_round: MakeRound, make_cell: MakeCell
) -> None:
    fill, cell = Filler(store, make_run, make_round), make_cell()
    goes = [fill(cell, 0), fill(cell, 2, Status.FAILED)]
    fill(cell, 1)
    fill(cell, 3, Status.TIMED_OUT)
    assert list(store.prunable(LATER).rounds) == goes


def test_unfinished_results_keep_the_samples_that_they_continue_from(
    store: Store, make_run: MakeRun, make_round: MakeRound, make_cell: MakeCell
) -> None:
    fill, cell = Filler(store, make_run, make_round), make_cell()
    fill(cell, 0, Status.MEASURING)
    goes = fill(cell, 1)
    fill(cell, 2)
    assert list(store.prunable(LATER).rounds) == [goes]


def test_young_rounds_keep_their_samples(
    store: Store, make_run: MakeRun, make_round: MakeRound, make_cell: MakeCell
) -> None:
    fill, cell = Filler(store, make_run, make_round), make_cell()
    old = fill(cell, 0)
    for day in (5, 6):
        fill(cell, day)
    found = store.prunable(START + timedelta(days=3))
    assert list(found.rounds) == [old]
    assert (found.kept_newest, found.kept_cited) == (0, 0)


def test_facts_and_values_stay(
    store: Store, make_run: MakeRun, make_round: MakeRound, make_cell: MakeCell
) -> None:
    fill, cell = Filler(store, make_run, make_round), make_cell()
    fill(cell, 0)
    fill(cell, 1)
    before = store.results(newest_only=False)
    store.prune(store.prunable(LATER))
    assert store.results(newest_only=False) == before
    samples = [len(one.rounds[0].samples) for one in store.results(newest_only=False, samples=True)]
    assert samples == [3, 0]
    assert store.prunable(LATER).rounds == ()
