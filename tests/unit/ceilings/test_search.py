"""Which kernel wins, on a time line of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from harness.ceilings.search import REPEAT_SECONDS, Findings, KernelTrial, Watch, search


@dataclass
class Line:
    """A clock whose time, and that of processors, passes only by work."""

    now: float = 0.0
    spent: float = 0.0
    calls: list[str] = field(default_factory=list)
    resolution: float = 1e-9

    def mark(self) -> object:
        """Now."""
        return self.now

    def seconds(self, start: object, end: object) -> float:
        """The difference."""
        return cast("float", end) - cast("float", start)

    def work(self, name: str, *durations: float, share: float = 1.0) -> Callable[[], object]:
        """A call that takes these seconds in turn, the last for ever after."""
        left = list(durations)

        def call() -> None:
            seconds = left.pop(0) if len(left) > 1 else left[0]
            self.now += seconds
            self.spent += share * seconds
            self.calls.append(name)

        return call


@pytest.fixture
def line() -> Line:
    """At its start."""
    return Line()


def found(line: Line, trials: list[KernelTrial], seconds: float = 1.0) -> Findings:
    return search(trials, seconds, Watch(line, lambda: line.now, lambda: line.spent))


def trial(
    kernel: str, call: Callable[[], object], work: float = 1.0, size: str = "1"
) -> KernelTrial:
    return KernelTrial(kernel, size, work, lambda: call)


def test_the_fastest_kernel_wins_whatever_its_place(line: Line) -> None:
    trials = [trial(str(ms), line.work(str(ms), ms / 1000)) for ms in (20, 5, 10)]
    told = found(line, trials)
    assert [(one.kernel, round(one.rate)) for one in told.reached] == [
        ("5", 200),
        ("10", 100),
        ("20", 50),
    ]


def test_rates_are_of_work_not_of_calls(line: Line) -> None:
    """A large problem takes longer and does more."""
    trials = [
        trial("small", line.work("small", 0.001), work=1),
        trial("large", line.work("large", 0.01), work=20),
    ]
    best = found(line, trials).best
    assert best is not None
    assert (best.kernel, round(best.rate)) == ("large", 2000)


def test_the_best_repeat_counts(line: Line) -> None:
    """What else runs only ever takes away; the first call, which warms up, is not timed."""
    call = line.work("one", 9.0, 0.05, 0.1, 0.05, 0.1)
    best = found(line, [trial("one", call)], seconds=10).best
    assert best is not None
    assert round(best.rate) == 20
    assert best.repeats >= 2


def test_a_repeat_is_long_enough(line: Line) -> None:
    """As many calls as fill it, and one where a single call does."""
    call = line.work("short", 0.004)
    found(line, [trial("short", call)], seconds=1.0)
    # Warm-up, one alone, and then repeats of 13 calls, the last one begun within the time.
    repeats = (len(line.calls) - 2) / 13
    assert repeats == int(repeats)
    assert REPEAT_SECONDS <= 13 * 0.004


def test_the_time_is_kept(line: Line) -> None:
    trials = [trial(str(n), line.work(str(n), 0.01)) for n in range(100)]
    told = found(line, trials, seconds=1.0)
    assert line.now < 1.3
    assert told.left_out + len(told.reached) == 100


def test_a_call_too_long_for_the_time_is_left_out(line: Line) -> None:
    """Told from the rate of what came before; the first is tried in any case."""
    trials = [
        trial("one", line.work("one", 0.01), work=1),
        trial("one", line.work("one", 1.0), work=100, size="100"),
    ]
    told = found(line, trials, seconds=1.0)
    assert ([one.size for one in told.reached], told.left_out) == (["1"], 1)


def test_the_best_are_tried_again_and_the_others_are_not(line: Line) -> None:
    trials = [trial(str(ms), line.work(str(ms), ms / 1000)) for ms in (10, 20, 30, 40, 50)]
    told = found(line, trials, seconds=2.0)
    repeats = {one.kernel: one.repeats for one in told.reached}
    assert all(repeats[name] > 1 for name in ("10", "20", "30"))
    assert all(repeats[name] == 1 for name in ("40", "50"))


def test_a_kernel_that_cannot_be_used_is_told_and_passed_over(line: Line) -> None:
    def lacks() -> Callable[[], object]:
        raise RuntimeError("no such engine\nand a long story")

    trials = [KernelTrial("lacks", "1", 1.0, lacks), trial("has", line.work("has", 0.01))]
    told = found(line, trials)
    assert told.failed == (("lacks", "RuntimeError: no such engine"),)
    assert [one.kernel for one in told.reached] == ["has"]


def test_without_any_kernel_there_is_no_best(line: Line) -> None:
    assert found(line, []).best is None


def test_a_kernel_is_told_by_its_best_size(line: Line) -> None:
    trials = [
        trial("a", line.work("a", 0.02), size="small"),
        trial("a", line.work("a", 0.01), size="large"),
        trial("b", line.work("b", 0.015), size="small"),
    ]
    told = found(line, trials).by_kernel()
    assert [(one.kernel, one.size) for one in told] == [("a", "large"), ("b", "small")]


def test_it_tells_how_many_processors_the_best_repeat_had(line: Line) -> None:
    """Fewer than its threads means that others had the rest."""
    best = found(line, [trial("two threads", line.work("x", 0.01, share=2.0))]).best
    assert best is not None
    assert best.processors == pytest.approx(2.0)
