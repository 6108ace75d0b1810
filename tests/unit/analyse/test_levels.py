"""A new value is held against a level, which moves only after two nights agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyse.levels import (
    Level,
    Measured,
    agreed,
    level,
    levels,
)
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.night import Confirmation, Kind, Night, NightState, Role, Verdict
from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment, Host, Run

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
ONE = Choice("any")
AXES = dict.fromkeys(("model", "hardware", "scenario", "operator", "precision", "backend"), ONE)
CELL = Cell(**AXES, parallelism=(), compression=(), workload=())
HOST = Host("cpu", "x86_64", 2, 2, (), 2**30, "Linux")
ENVIRONMENT = Environment({"torch": "2.13.0"})
CONFIRMED, REJECTED = Verdict.CONFIRMED, Verdict.REJECTED
STEADY = (1.0, 1.01, 0.99, 1.0, 1.01, 0.99)


def confirmation(
    verdict: Verdict, ratio: float | None = 1.1, *, accepted: bool = False
) -> Confirmation:
    return Confirmation(
        role=Role.SUSPECT,
        cell=CELL,
        metric="latency",
        unit="s",
        direction=Direction.LOWER,
        base=Commit("a"),
        head=Commit("b"),
        verdict=verdict,
        ratio=ratio,
        accepted=accepted,
    )


UP = confirmation(CONFIRMED)
DOWN = confirmation(CONFIRMED, 1 / 1.1)
NOISE = confirmation(REJECTED, 1.0)
OPEN = confirmation(Verdict.INCONCLUSIVE, 1.05)
FAILED = confirmation(Verdict.FAILED, None)

Told = tuple[float, Confirmation | None]


def after(
    *told: Told,
    void: Sequence[int] = (),
    plain: Sequence[int] = (),
    before: Sequence[float] = STEADY,
) -> Level:
    """The level after these nights: each value, and what was found about it.

    Nights with an index in `void` are void, those in `plain` are plain runs.
    """
    points = [Measured(one, Commit(f"old{at}"), WHEN) for at, one in enumerate(before)]
    points += [
        Measured(value, Commit(f"new{at}"), WHEN, None if at in plain else at, at in void)
        for at, (value, _) in enumerate(told)
    ]
    return level(points, {at: found for at, (_, found) in enumerate(told) if found})


def test_values_in_the_range_belong_to_the_level() -> None:
    assert after((1.01, None), (0.99, None)) == Level((*STEADY, 1.01, 0.99), Commit("new1"))


def test_a_confirmed_change_is_pending_until_a_second_night_agrees() -> None:
    first = after((1.1, UP))
    assert first == Level(STEADY, Commit("old5"), UP)
    assert agreed(UP, first)
    assert after((1.1, UP), (1.11, UP)) == Level((1.1, 1.11), Commit("new1"))


def test_an_improvement_needs_the_same_proof() -> None:
    assert after((0.9, DOWN)) == Level(STEADY, Commit("old5"), DOWN)
    assert after((0.9, DOWN), (0.91, DOWN)) == Level((0.9, 0.91), Commit("new1"))


def test_the_opposite_direction_is_another_change() -> None:
    first = after((1.1, UP))
    assert not agreed(DOWN, first)
    assert after((1.1, UP), (0.9, DOWN)) == Level(STEADY, Commit("old5"), DOWN)
    assert after((1.1, UP), (0.9, DOWN), (0.9, DOWN)) == Level((0.9, 0.9), Commit("new2"))


def test_a_value_that_returned_drops_the_change() -> None:
    returned = after((1.1, UP), (1.0, None))
    assert returned == Level((*STEADY, 1.0), Commit("new1"))
    assert not agreed(UP, returned)
    assert after((1.1, UP), (1.0, None), (1.1, UP)).pending == UP


def test_a_rejected_suspect_is_noise_and_drops_the_change() -> None:
    assert after((1.07, NOISE)) == Level((*STEADY, 1.07), Commit("new0"))
    assert after((1.1, UP), (1.07, NOISE)) == Level((*STEADY, 1.07), Commit("new1"))


@pytest.mark.parametrize("unclear", [OPEN, FAILED])
def test_an_unclear_suspect_stays_out_and_drops_nothing(unclear: Confirmation) -> None:
    assert after((1.1, unclear)) == Level(STEADY, Commit("old5"))
    assert after((1.1, UP), (1.1, unclear)) == Level(STEADY, Commit("old5"), UP)
    accepted = after((1.1, UP), (1.1, unclear), (1.12, UP))
    assert accepted == Level((1.1, 1.1, 1.12), Commit("new2"))


def test_an_unclear_value_on_the_other_side_is_not_of_the_new_level() -> None:
    found = after((1.1, UP), (0.9, OPEN), (1.12, UP))
    assert found == Level((1.1, 1.12), Commit("new2"))


def test_a_void_night_moves_nothing() -> None:
    assert after((1.1, UP), void=[0]) == Level(STEADY, Commit("old5"))
    assert after((1.1, UP), (1.1, UP), void=[1]) == Level(STEADY, Commit("old5"), UP)
    assert after((1.1, UP), (1.1, UP), void=[0]) == Level(STEADY, Commit("old5"), UP)
    assert after((1.1, NOISE), void=[0]) == Level(STEADY, Commit("old5"))


def test_a_void_nights_value_in_the_range_counts_and_drops_nothing() -> None:
    found = after((1.1, UP), (1.0, None), (1.1, UP), void=[1])
    assert found == Level((1.1, 1.1), Commit("new2"))
    assert after((1.0, None), void=[0]) == Level((*STEADY, 1.0), Commit("new0"))


def test_a_plain_run_moves_nothing() -> None:
    """A value that nobody tested is neither noise nor a new level."""
    nights: list[Told] = [(1.0, None), (1.5, None), (1.0, None)]
    assert after(*nights, plain=[1, 2]) == Level((*STEADY, 1.0, 1.0), Commit("new2"))
    assert after((1.1, UP), (1.0, None), plain=[1]).pending == UP


SLOW = [2.0 + at % 3 / 100 for at in range(20)]
QUICK = [1.0 + at % 3 / 100 for at in range(20)]


def test_the_first_night_tests_the_last_change_before_it() -> None:
    """Nobody has: the level is the one before the change, until two nights agree."""
    assert after(before=SLOW + QUICK) == Level(tuple(SLOW), Commit("old19"))
    once = after((1.0, DOWN), before=SLOW + QUICK)
    assert once == Level(tuple(SLOW), Commit("old19"), DOWN)
    twice = after((1.0, DOWN), (1.0, DOWN), before=SLOW + QUICK)
    assert twice == Level((*QUICK, 1.0, 1.0), Commit("new1"))


def test_a_rejected_change_before_the_first_night_was_the_machine() -> None:
    """Base and head are equally fast tonight: the newer values are what to expect."""
    found = after((1.0, NOISE), before=SLOW + QUICK)
    assert found == Level((*QUICK, 1.0), Commit("new0"))


def test_earlier_changes_before_the_first_night_are_history() -> None:
    found = after(before=[*QUICK, *SLOW, *QUICK])
    assert found == Level(tuple(SLOW), Commit("old39"))


def test_two_values_of_one_night_do_not_agree_with_each_other() -> None:
    points = [Measured(one, Commit("a"), WHEN) for one in STEADY]
    points += [Measured(1.1, Commit("b"), WHEN, 0), Measured(1.1, Commit("b"), WHEN, 0)]
    assert level(points, {0: UP}) == Level(STEADY, Commit("a"), UP)


def test_an_accepted_change_stays_accepted_without_the_night_before() -> None:
    """Its value may be gone from the store."""
    accepted = confirmation(CONFIRMED, accepted=True)
    assert after((1.1, accepted)) == Level((1.1,), Commit("new0"))


@pytest.mark.parametrize("verdict", [REJECTED, Verdict.INCONCLUSIVE, Verdict.FAILED])
def test_only_a_confirmed_change_agrees(verdict: Verdict) -> None:
    assert not agreed(confirmation(verdict), after((1.1, UP)))
    assert not agreed(UP, after((1.0, None)))


@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 2.0),
            st.sampled_from([None, UP, DOWN, NOISE, OPEN, FAILED]),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_a_level_moves_only_by_two_confirmed_nights(
    nights: list[tuple[float, Confirmation | None, bool]],
) -> None:
    """Whatever happens: with fewer than two that count in one direction it begins where it did."""
    told = [(value, found) for value, found, _ in nights]
    found = after(*told, void=[at for at, (*_, void) in enumerate(nights) if void])
    counted = [one for _, one, void in nights if not void]
    assert found.values
    if counted.count(UP) < 2 and counted.count(DOWN) < 2:
        assert found.values[: len(STEADY)] == STEADY
    else:
        assert set(found.values) <= {*STEADY, *(value for value, _ in told)}


def run(day: float, commit: Commit, **changed: object) -> Run:
    made = Run(commit, HOST, ENVIRONMENT, WHEN + timedelta(days=day), 0)
    return replace(made, **changed)  # type: ignore[arg-type]


def result(day: float, value: float, commit: str = "", **changed: object) -> Result:
    estimate = Estimate(value, None, None, "s", Direction.LOWER, 5, 5)
    made = run(day, Commit(commit or f"sha{day}"), **changed)
    return Result(made, CELL, Status.OK, metrics={"latency": estimate})


def night(
    day: float, *found: Confirmation, state: NightState = NightState.DONE, kind: Kind = Kind.NIGHTLY
) -> Night:
    began = WHEN + timedelta(days=day, hours=-1)
    return Night(
        kind,
        HOST,
        ENVIRONMENT,
        Commit(f"sha{day}"),
        began,
        state=state,
        finished=began + timedelta(hours=3),
        confirmations=found,
    )


def level_of(
    results: Sequence[Result], nights: Sequence[Night] = (), before: float = 100
) -> Level | None:
    found: Mapping[tuple[str, str], Level] = levels(
        results, nights, HOST, ENVIRONMENT, WHEN + timedelta(days=before)
    )
    assert set(found) <= {(CELL.id, "latency")}
    return found.get((CELL.id, "latency"))


HISTORY = [result(day, value) for day, value in enumerate(STEADY)]


def test_levels_joins_results_and_nights() -> None:
    """The order of the results does not matter."""
    results = [result(11, 1.1), result(10, 1.11), *HISTORY]
    nights = [night(10, UP), night(11, UP)]
    assert level_of(results, nights[:1]) == Level(STEADY, Commit("sha5"), UP)
    assert level_of(results, nights) == Level((1.11, 1.1), Commit("sha11"))


def test_every_run_has_a_value_also_on_an_unchanged_commit() -> None:
    found = level_of([result(day, 1 + day / 100, "same") for day in range(3)])
    assert found == Level((1.0, 1.01, 1.02), Commit("same"))


def test_only_what_began_before_counts() -> None:
    results = [*HISTORY, result(10, 1.1)]
    assert level_of(results, [night(10, UP)], before=9) == Level(STEADY, Commit("sha5"))
    assert level_of(results, before=0) is None


@pytest.mark.parametrize("state", [NightState.VOID, NightState.RUNNING])
def test_a_night_that_is_not_done_moves_nothing(state: NightState) -> None:
    results = [*HISTORY, result(10, 1.1), result(11, 1.1)]
    found = level_of(results, [night(10, UP), night(11, UP, state=state)])
    assert found == Level(STEADY, Commit("sha5"), UP)


@pytest.mark.parametrize("kind", [Kind.GATE, Kind.BISECT])
def test_other_commands_move_nothing(kind: Kind) -> None:
    found = level_of([*HISTORY, result(10, 1.0)], [night(10, UP, kind=kind)])
    assert found == Level((*STEADY, 1.0), Commit("sha10"))


def test_controls_and_requests_are_no_suspects() -> None:
    others = [replace(UP, role=role) for role in (Role.SAME, Role.SLOWED, Role.REQUESTED)]
    found = level_of([*HISTORY, result(10, 1.0)], [night(10, *others)])
    assert found == Level((*STEADY, 1.0), Commit("sha10"))


@pytest.mark.parametrize(
    "changed",
    [
        {"host": replace(HOST, cpu="another")},
        {"environment": Environment({"torch": "2.12.0"})},
        {"night": 3},
        {"commit": Commit("sha", dirty="digest")},
        {"commit": Commit("")},
    ],
)
def test_what_is_no_history_is_left_out(changed: dict[str, object]) -> None:
    other = result(7, 1.0)
    other = replace(other, run=replace(other.run, **changed))  # type: ignore[arg-type]
    assert level_of([*HISTORY, other]) == Level(STEADY, Commit("sha5"))


def test_a_run_after_a_night_does_not_belong_to_it() -> None:
    """It is a plain run: its value is in the range, and the change stays pending."""
    results = [*HISTORY, result(10, 1.1), result(10.5, 1.0)]
    found = level_of(results, [night(10, UP)])
    assert found == Level((*STEADY, 1.0), Commit("sha10.5"), UP)


def test_failures_and_values_without_logarithm_have_no_level() -> None:
    failed = replace(result(6, 5.0), status=Status.FAILED)
    assert level_of([*HISTORY, failed]) == Level(STEADY, Commit("sha5"))
    assert level_of([*HISTORY, result(6, 0.0)]) is None
    assert level_of([]) is None
