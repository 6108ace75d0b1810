"""Sides are matched, and each metric gets its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.analyse.judging import Wanted, judge
from harness.analyse.outcomes import Judged, Outcome
from harness.analyse.sides import Kind, Match, Side, matches
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment, Host, Run

START = datetime(2026, 1, 5, tzinfo=UTC)
TIME = Wanted("latency", speed=True, headline=True)
MakeResult = Callable[..., Result]


@pytest.fixture
def result(host: Host, make_cell: Callable[..., Cell]) -> MakeResult:
    """A result of run `number`, one run per day, with a latency."""

    def made(number: int, value: float | None = 1.0, **changes: Any) -> Result:
        run = Run(
            changes.pop("commit", Commit(f"{number:040x}")),
            changes.pop("host", host),
            Environment(changes.pop("software", {"torch": "2"})),
            started=START + timedelta(days=number),
            seed=0,
            id=number,
        )
        metrics = {}
        if value is not None:
            estimate = Estimate(value, value / 1.001, value * 1.001, "s", Direction.LOWER, 6, 60)
            metrics = {"latency": estimate}
        plain = Result(run, make_cell(), Status.OK, metrics=metrics)
        return replace(plain, **changes)

    return made


def judged(*found: Match, history: tuple[Result, ...] = ()) -> list[Judged]:
    return judge(found, lambda _: [TIME], history, lambda *_: None)


def side(kind: Kind, *results: Result) -> Side:
    return Side(kind, "", "", results)


@pytest.mark.parametrize(
    ("base", "head", "outcome", "fault"),
    [
        (Status.OK, Status.OUT_OF_MEMORY, Outcome.FAILED, True),
        (Status.CRASHED, Status.OK, Outcome.FAILED, False),
        (Status.FAILED, Status.TIMED_OUT, Outcome.FAILED, True),
        (Status.OK, Status.UNSUPPORTED, Outcome.NOT_RUN, True),
        (Status.UNSUPPORTED, Status.UNSUPPORTED, Outcome.NOT_RUN, False),
        (Status.SKIPPED, Status.OK, Outcome.NOT_RUN, False),
        (Status.OK, Status.MEASURING, Outcome.NOT_RUN, True),
    ],
)
def test_a_side_without_a_figure_says_why(
    result: MakeResult, base: Status, head: Status, outcome: Outcome, fault: bool
) -> None:
    a, b = (
        result(number, 1.0 if status is Status.OK else None, status=status, reason="why")
        for number, status in enumerate((base, head))
    )
    (one,) = judged(Match((a,), (b,)))
    assert (one.outcome, one.head_fault) == (outcome, fault)
    for name, status in (("A", base), ("B", head)):
        assert (f"{name}: {status}: why" in one.note) == (status is not Status.OK)


def test_a_metric_that_one_side_lacks_was_not_run(result: MakeResult) -> None:
    (one,) = judged(Match((result(0),), (result(1, None),)))
    assert (one.outcome, one.note, one.head_fault) == (Outcome.NOT_RUN, "B lacks it", True)
    assert judged(Match((result(0, None),), (result(1, None),))) == []


def test_the_newest_result_says_whether_a_cell_failed(result: MakeResult) -> None:
    """An interrupted one says nothing while there is a finished one."""
    commit = Commit("b" * 40)
    measured = result(1, commit=commit)
    crashed = result(2, None, commit=commit, status=Status.CRASHED)
    unfinished = result(3, None, commit=commit, status=Status.MEASURING)
    base = side(Kind.COMMIT, result(0))
    (match,) = matches(base, side(Kind.COMMIT, unfinished, crashed, measured))
    assert match.head == (crashed, measured)
    (one,) = judged(match)
    assert one.outcome is Outcome.FAILED


def test_all_runs_of_a_commit_count(result: MakeResult) -> None:
    commit = Commit("b" * 40)
    head = side(Kind.COMMIT, result(2, 1.21, commit=commit), result(1, 1.0, commit=commit))
    (one,) = judged(*matches(side(Kind.COMMIT, result(0)), head))
    assert one.head == pytest.approx(1.1)
    assert one.difference is not None
    assert one.difference.ratio == pytest.approx(1.1)


def test_a_quiet_history_makes_small_changes_certain(result: MakeResult) -> None:
    """Without it the noise is assumed, and the note says so."""
    history = tuple(result(number, 1 + 0.001 * (number % 3)) for number in range(12))
    match = Match((history[-1],), (result(99, 1.05),))
    (alone,) = judged(match)
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert "noise of 2.0% assumed" in alone.note
    (known,) = judged(match, history=history)
    assert known.outcome is Outcome.SLOWER
    assert known.note == ""


def test_one_small_p_among_many_is_chance(
    result: MakeResult, make_cell: Callable[..., Cell]
) -> None:
    """10 % is significant alone, with the noise that is assumed; not beside 99 unchanged cells."""
    cells = [make_cell(precision=Choice(f"p{number}")) for number in range(100)]
    found = [
        Match((result(0, cell=cell),), (result(1, 1.0 if place else 1.1, cell=cell),))
        for place, cell in enumerate(cells)
    ]
    (alone,) = judged(found[0])
    assert alone.outcome is Outcome.SLOWER
    first, *rest = judged(*found)
    assert first.outcome is Outcome.INCONCLUSIVE
    assert "may be chance among 100 comparisons" in first.note
    assert not any(one.outcome.differs for one in rest)


def test_equal_values_without_logarithms_are_the_same(result: MakeResult) -> None:
    assert judged(Match((result(0, 0.0),), (result(1, 0.0),)))[0].outcome is Outcome.SAME
    (one,) = judged(Match((result(0, 0.0),), (result(1, 1.0),)))
    assert (one.outcome, one.note) == (Outcome.INCONCLUSIVE, "a value is not above zero")


def test_commits_are_matched_by_cell_host_and_software(
    result: MakeResult, host: Host, make_cell: Callable[..., Cell]
) -> None:
    other = replace(host, cpu="Other")
    base = [result(0), result(0, host=other), result(0, software={"torch": "1"})]
    head = [result(1), result(1, host=other), result(1, cell=make_cell(precision=Choice("bf16")))]
    found = matches(side(Kind.COMMIT, *base), side(Kind.COMMIT, *head))
    assert [(len(one.base), len(one.head)) for one in found] == [(1, 1), (1, 1), (1, 0), (0, 1)]


def test_hosts_take_the_newest_commit_of_both(result: MakeResult, host: Host) -> None:
    """Without a common one each its newest, with a note."""
    other = replace(host, cpu="Other")
    ours = side(Kind.HOST, result(5), result(3), result(1))
    theirs = [result(number, host=other) for number in (4, 3, 1)]
    (match,) = matches(ours, side(Kind.HOST, *theirs))
    assert (match.base[0].run.id, match.head[0].run.id, match.note) == (3, 3, "")
    (match,) = matches(ours, side(Kind.HOST, theirs[0]))
    assert (match.base[0].run.id, match.head[0].run.id) == (5, 4)
    assert match.note == f"commits {Commit(f'{5:040x}')} and {Commit(f'{4:040x}')}"
