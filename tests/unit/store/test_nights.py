"""Nights are loaded as they were saved, and their pairs stay out of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from harness.domain.cell import Cell
from harness.domain.metric import Direction
from harness.domain.night import (
    Confirmation,
    Kind,
    Night,
    NightState,
    Pair,
    Role,
    Triage,
    TriageState,
    Verdict,
)
from harness.domain.result import Status
from harness.domain.run import Commit, Run
from harness.store import Store

MakeCell = Callable[..., Cell]
MakeRun = Callable[..., Run]
WHEN = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


def night_of(run: Run) -> Night:
    return Night(Kind.NIGHTLY, run.host, run.environment, run.commit, WHEN, run.specs, "harness")


def confirmation_of(cell: Cell, odd: str) -> Confirmation:
    return Confirmation(
        role=Role.SUSPECT,
        cell=cell,
        metric="latency",
        unit="s",
        direction=Direction.LOWER,
        base=Commit("a" * 40, "main", WHEN, odd),
        head=Commit("b" * 40, "main", WHEN, odd, "dirty"),
        verdict=Verdict.CONFIRMED,
        reason=odd,
        pairs=(Pair(True, 1.0, 1.1, 3, 4), Pair(False, 1.0, 1.2)),
        ratio=1.15,
        low=1.1,
        high=1.2,
        p=1e-9,
        value=1.3,
        predicted_low=0.9,
        predicted_high=1.05,
        accepted=True,
    )


def test_a_night_is_loaded_with_all_that_it_found(
    store: Store, make_run: MakeRun, make_cell: MakeCell, odd: str
) -> None:
    night = store.begin_night(night_of(make_run()))
    found = store.save_confirmation(night, confirmation_of(make_cell(), odd))
    store.finish_night(night, NightState.VOID, odd)
    (loaded,) = store.nights()
    assert loaded.finished is not None
    assert loaded == replace(
        night,
        state=NightState.VOID,
        reason=odd,
        finished=loaded.finished,
        confirmations=(found,),
    )
    assert loaded.confirmations[0].is_worse


def test_pairs_of_a_night_are_no_results(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Neither in the history nor as what is known: only suspicious values get pairs."""
    night = store.begin_night(night_of(make_run()))
    run = store.begin(make_run(night=night.id))
    key = store.open_result(run, make_cell(), None, adopt=None)
    store.close_result(key, Status.OK)
    assert store.results() == []
    assert store.results(newest_only=False) == []
    known = store.known(run.commit, run.host, run.environment, alive=lambda *_: False)
    assert known == {}


def test_decisions_are_loaded_in_order(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    cell = make_cell()
    store.open_result(store.begin(make_run()), cell, None, adopt=None)
    first = Triage(cell.id, "latency", "h", "a" * 40, TriageState.EXPECTED, "why", "who", WHEN)
    second = replace(first, state=TriageState.FIXED)
    store.save_triage(first)
    store.save_triage(second)
    assert store.triage() == [first, second]
