"""Changes by id, the decisions about them, and the nights that measured them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.analyse.changes import Change, Steps
from harness.analyse.history import Point, Series
from harness.analyse.trends import LevelChange, Trend
from harness.analyse.triage import (
    ID_DIGITS,
    change_id,
    chosen,
    confirmations,
    decisions,
    newest_decisions,
)
from harness.domain.cell import Cell
from harness.domain.metric import Direction
from harness.domain.night import (
    Confirmation,
    Kind,
    Night,
    NightState,
    Role,
    Triage,
    TriageState,
    Verdict,
)
from harness.domain.run import Commit, Environment, Host
from harness.errors import UnknownName, UsageError

START = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
TORCH = Environment({"torch": "2.13.0"})


def commit(number: int) -> Commit:
    return Commit(f"{number:040x}", date=START + timedelta(days=number))


@pytest.fixture
def trend(host: Host, make_cell: Callable[..., Cell]) -> Trend:
    """Twelve commits, whose level changes at the seventh."""
    points = tuple(
        Point(commit(n), START + timedelta(days=n), 1.1 if n > 5 else 1.0, None, None)
        for n in range(12)
    )
    steps = Steps((Change(6, 1.0, 1.1, 1e-6),), 0.01, 0.0, 0.03)
    return Trend(make_cell(), host, "latency", "s", Direction.LOWER, Series(TORCH, points), steps)


@pytest.fixture
def change(trend: Trend) -> LevelChange:
    (one,) = trend.changes()
    return one


def moved(one: LevelChange, index: int) -> LevelChange:
    return replace(one, change=replace(one.change, index=index))


def test_an_id_depends_on_the_place_and_the_first_commit_only(change: LevelChange) -> None:
    """New points that change its size leave the id as it is."""
    larger = replace(change, points=9, change=replace(change.change, after=1.3, p=1e-9))
    assert change_id(larger) == change_id(change)
    assert len(change_id(change)) == ID_DIGITS
    others = [
        moved(change, 7),
        replace(change, trend=replace(change.trend, metric="ttft")),
        replace(
            change,
            trend=replace(
                change.trend, series=replace(change.trend.series, environment=Environment({}))
            ),
        ),
    ]
    assert len({change_id(one) for one in (change, *others)}) == 4


def test_a_change_outside_git_has_an_id_too(change: LevelChange) -> None:
    """The time of the run distinguishes states of the code there."""
    points = tuple(replace(one, commit=Commit("")) for one in change.trend.series.points)
    bare = replace(
        change, trend=replace(change.trend, series=replace(change.trend.series, points=points))
    )
    assert change_id(bare) != change_id(moved(bare, 7))


def test_the_beginning_of_an_id_suffices(change: LevelChange) -> None:
    known = [change, moved(change, 3)]
    assert chosen(change_id(change)[:6].upper(), known) is change
    assert chosen(change_id(change), known) is change


def test_an_unknown_id_names_the_nearest(change: LevelChange) -> None:
    wrong = change_id(change)[:-1] + "x"
    with pytest.raises(UnknownName, match=f"did you mean '{change_id(change)}'"):
        chosen(wrong, [change])
    with pytest.raises(UnknownName, match="there is none"):
        chosen("", [])
    with pytest.raises(UnknownName):
        chosen("", [change])


def test_an_ambiguous_id_names_what_it_could_mean(change: LevelChange) -> None:
    """Seventeen changes: two of them begin with the same of sixteen digits."""
    metrics = [f"metric-{number}" for number in range(17)]
    known = [replace(change, trend=replace(change.trend, metric=name)) for name in metrics]
    starts = [change_id(one)[0] for one in known]
    twice = next(digit for digit in starts if starts.count(digit) > 1)
    with pytest.raises(UsageError, match=f"'{twice}' is ambiguous") as error:
        chosen(twice, known)
    assert sum(change_id(one) in str(error.value) for one in known) == starts.count(twice)


@pytest.fixture
def triage(change: LevelChange) -> Triage:
    trend = change.trend
    place = (trend.cell.id, trend.metric, trend.host.fingerprint, change.first.commit.sha)
    return Triage(*place, TriageState.ACKNOWLEDGED, "", "Ada", START)


def test_the_newest_decision_counts(change: LevelChange, triage: Triage) -> None:
    later = replace(triage, state=TriageState.FIXED)
    assert decisions(change, [triage, later]) == [triage, later]
    assert newest_decisions([change], [triage, later]) == {change_id(change): later}


def test_a_decision_holds_for_its_own_change_only(change: LevelChange, triage: Triage) -> None:
    others = [
        replace(triage, cell="other"),
        replace(triage, metric="ttft"),
        replace(triage, host="other"),
        replace(triage, commit=commit(3).sha),
    ]
    assert decisions(change, others) == []
    assert newest_decisions([change], others) == {}


@pytest.mark.parametrize(("index", "holds"), [(4, False), (5, True), (7, True), (8, False)])
def test_a_decision_follows_a_change_to_the_neighbouring_commit(
    change: LevelChange, triage: Triage, index: int, holds: bool
) -> None:
    """New points move a change that way; levels of three points keep two changes apart."""
    assert bool(decisions(moved(change, index), [triage])) is holds


@pytest.fixture
def look(change: LevelChange) -> Callable[[int, int], Confirmation]:
    """A confirmation of the change's metric between two commits."""

    def made(base: int, head: int) -> Confirmation:
        return Confirmation(
            role=Role.SUSPECT,
            cell=change.trend.cell,
            metric="latency",
            unit="s",
            direction=Direction.LOWER,
            base=commit(base),
            head=commit(head),
            verdict=Verdict.CONFIRMED,
            ratio=1.1,
        )

    return made


@pytest.mark.parametrize(
    ("base", "head", "spans"),
    [(5, 6, True), (0, 11, True), (4, 5, False), (6, 7, False), (-3, 6, True), (5, 30, True)],
)
def test_a_night_measured_a_change_if_its_commits_span_it(
    change: LevelChange,
    look: Callable[[int, int], Confirmation],
    base: int,
    head: int,
    spans: bool,
) -> None:
    """Commits that the series does not hold are placed by their dates."""
    one = replace(look(0, 1), base=_dated(base), head=_dated(head))
    night = night_of(change.trend, one)
    assert confirmations(change, [night]) == ([(night, one)] if spans else [])


def _dated(number: int) -> Commit:
    return commit(number) if number >= 0 else Commit("e" * 40, date=START - timedelta(days=3))


def night_of(trend: Trend, *found: Confirmation) -> Night:
    return Night(
        Kind.NIGHTLY,
        trend.host,
        trend.series.environment,
        commit(11),
        START,
        state=NightState.DONE,
        confirmations=found,
    )


def test_other_metrics_and_environments_measured_something_else(
    change: LevelChange, look: Callable[[int, int], Confirmation]
) -> None:
    other = replace(look(5, 6), metric="ttft")
    elsewhere = replace(night_of(change.trend, look(5, 6)), environment=Environment({}))
    assert confirmations(change, [night_of(change.trend, other), elsewhere]) == []
