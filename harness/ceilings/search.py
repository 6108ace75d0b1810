"""The best of several kernels: each is tried, and the best are tried again until time is over.

A limit is what any kernel within reach can do, so a slow one costs nothing but its try. The
rate of a repeat is the work of all its calls over its time; the best repeat counts, as what
else runs on the machine only ever takes away.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from harness.timer import Timer

# A repeat lasts at least that long, or a twentieth of the time there is for all.
REPEAT_SECONDS = 0.05
# Of the time there is, what trying each kernel may take; the rest is the best ones' alone.
_SURVEY_SHARE = 0.6
# A trial whose single call would take more of the time than this is left out.
_LONGEST_CALL = 0.15
_FINALISTS = 3
_MOST_CALLS = 100_000


@dataclass(frozen=True)
class Trial:
    """A kernel on a problem of one size. `prepare` makes the data and returns the timed call."""

    kernel: str
    size: str
    work: float  # what one call does: FLOPs, or bytes moved
    prepare: Callable[[], Callable[[], object]]


@dataclass(frozen=True)
class Reached:
    """What a trial came to."""

    kernel: str
    size: str
    rate: float  # work a second, in the best repeat
    repeats: int
    processors: float = 0.0  # processor seconds a second that this process got in it


@dataclass(frozen=True)
class Findings:
    """All that a search came to, the best first."""

    reached: tuple[Reached, ...]
    failed: tuple[tuple[str, str], ...] = ()  # kernel and why it cannot be used here
    left_out: int = 0  # trials too long for the time, or for which none was left

    @property
    def best(self) -> Reached | None:
        """None where no kernel could be used."""
        return self.reached[0] if self.reached else None

    def by_kernel(self) -> tuple[Reached, ...]:
        """Each kernel's best size, the best kernel first."""
        firsts: dict[str, Reached] = {}
        for one in self.reached:
            firsts.setdefault(one.kernel, one)
        return tuple(firsts.values())


@dataclass(frozen=True)
class Watch:
    """What a search measures by. `now` and `spent` tell seconds: of the wall, of processors."""

    timer: Timer  # on the device's own time line
    now: Callable[[], float] = time.perf_counter
    spent: Callable[[], float] = time.process_time

    def timed(self, call: Callable[[], object], calls: int) -> tuple[float, float]:
        """Seconds of so many calls, and the processors that this process had meanwhile.

        Never zero seconds, which a coarse clock might tell.
        """
        spent, start = self.spent(), self.timer.mark()
        for _ in range(calls):
            call()
        seconds = max(self.timer.seconds(start, self.timer.mark()), 1e-9)
        return seconds, (self.spent() - spent) / seconds


@dataclass(frozen=True)
class _Runner:
    """A prepared trial: its call, and how many make a repeat."""

    call: Callable[[], object]
    work: float
    calls: int
    reached: Reached

    def again(self, watch: Watch) -> _Runner:
        seconds, processors = watch.timed(self.call, self.calls)
        rate = self.calls * self.work / seconds
        best = self.reached
        if rate > best.rate:
            best = replace(best, rate=rate, processors=processors)
        return replace(self, reached=replace(best, repeats=best.repeats + 1))


def search(trials: Iterable[Trial], seconds: float, watch: Watch) -> Findings:
    """The trials' rates after about so many seconds; at least the first is tried."""
    begin = watch.now()
    repeat = min(REPEAT_SECONDS, seconds / 20)
    finalists: list[_Runner] = []
    reached: list[Reached] = []
    failed: dict[str, str] = {}
    left_out = 0
    for trial in trials:
        best = max((one.rate for one in reached), default=0.0)
        late = bool(reached) and watch.now() - begin > seconds * _SURVEY_SHARE
        if late or (best and trial.work / best > seconds * _LONGEST_CALL):
            left_out += 1
            continue
        try:
            runner = _tried(trial, repeat, watch)
        except Exception as error:  # noqa: BLE001 - what this build or device lacks, told as such
            failed[trial.kernel] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        reached.append(runner.reached)
        # Only the best keep their data: all together would fill the memory.
        finalists = _best([*finalists, runner])
    finalists = _finals(finalists, watch, lambda: watch.now() - begin < seconds)
    final = {(one.reached.kernel, one.reached.size): one.reached for one in finalists}
    told = (final.get((one.kernel, one.size), one) for one in reached)
    ordered = tuple(sorted(told, key=lambda one: one.rate, reverse=True))
    return Findings(ordered, tuple(failed.items()), left_out)


def _finals(runners: list[_Runner], watch: Watch, goes_on: Callable[[], bool]) -> list[_Runner]:
    """The best tried again in turn, at least once each."""
    while runners:
        runners = [one.again(watch) for one in runners]
        if not goes_on():
            break
    return runners


def _tried(trial: Trial, repeat: float, watch: Watch) -> _Runner:
    """Warmed up by one call; then timed, first alone to tell how many make a repeat."""
    call = trial.prepare()
    call()
    alone, _ = watch.timed(call, 1)
    calls = min(_MOST_CALLS, max(1, math.ceil(repeat / alone)))
    new = _Runner(call, trial.work, calls, Reached(trial.kernel, trial.size, 0.0, 0))
    return new.again(watch)


def _best(runners: list[_Runner]) -> list[_Runner]:
    return sorted(runners, key=lambda one: one.reached.rate, reverse=True)[:_FINALISTS]
