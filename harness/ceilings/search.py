"""Searches for the fastest of several kernels: tries each, then repeats the best until time is up.

A ceiling is the best rate of any available kernel, so a slow kernel costs only the time of its
try. The rate of a repeat is the work of all its calls over their time. The best repeat counts,
because other work on the machine can only lower a rate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from harness.timer import Timer

# A repeat lasts at least this long, or a twentieth of the search time if that is shorter.
REPEAT_SECONDS = 0.05
# The share of the search time for trying every kernel. The rest is for repeating the best.
_SURVEY_SHARE = 0.6
# A trial is left out if a single call would take more than this share of the search time.
_LONGEST_CALL = 0.15
_FINALISTS = 3
_MOST_CALLS = 100_000


@dataclass(frozen=True)
class KernelTrial:
    """A kernel on a problem of one size. `prepare` makes the data and returns the timed call."""

    kernel: str
    size: str
    work: float  # per call: FLOPs, or bytes moved
    prepare: Callable[[], Callable[[], object]]


@dataclass(frozen=True)
class Reached:
    """The best rate that a trial reached."""

    kernel: str
    size: str
    rate: float  # work per second, in the best repeat
    repeats: int
    processors: float = 0.0  # in that repeat: processor seconds per second of this process


@dataclass(frozen=True)
class Findings:
    """The results of a search, the best first."""

    reached: tuple[Reached, ...]
    failed: tuple[tuple[str, str], ...] = ()  # each unusable kernel, and why it is unusable here
    left_out: int = 0  # trials not tried: their call is too long, or the time was up

    @property
    def best(self) -> Reached | None:
        """The fastest trial. None if no kernel is usable."""
        return self.reached[0] if self.reached else None

    def by_kernel(self) -> tuple[Reached, ...]:
        """The fastest trial of each kernel, the fastest kernel first."""
        firsts: dict[str, Reached] = {}
        for trial in self.reached:
            firsts.setdefault(trial.kernel, trial)
        return tuple(firsts.values())


@dataclass(frozen=True)
class Watch:
    """The timers of a search. `now` gives wall-clock seconds, `spent` processor seconds."""

    timer: Timer  # on the device's own time line
    now: Callable[[], float] = time.perf_counter
    spent: Callable[[], float] = time.process_time

    def timed(self, call: Callable[[], object], calls: int) -> tuple[float, float]:
        """The seconds that the calls take, and the number of processors this process had meanwhile.

        The seconds are never zero, even if the timer is coarse.
        """
        spent, start = self.spent(), self.timer.mark()
        for _ in range(calls):
            call()
        seconds = max(self.timer.seconds(start, self.timer.mark()), 1e-9)
        return seconds, (self.spent() - spent) / seconds


@dataclass(frozen=True)
class _Runner:
    """A prepared trial: its call, and the number of calls in a repeat."""

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


def search(trials: Iterable[KernelTrial], seconds: float, watch: Watch) -> Findings:
    """The rates that the trials reach in about `seconds`. The first trial always runs."""
    begin = watch.now()
    repeat = min(REPEAT_SECONDS, seconds / 20)
    finalists: list[_Runner] = []
    reached: list[Reached] = []
    failed: dict[str, str] = {}
    left_out = 0
    for trial in trials:
        best = max((result.rate for result in reached), default=0.0)
        late = bool(reached) and watch.now() - begin > seconds * _SURVEY_SHARE
        if late or (best and trial.work / best > seconds * _LONGEST_CALL):
            left_out += 1
            continue
        try:
            runner = _tried(trial, repeat, watch)
        except Exception as error:  # noqa: BLE001 - reported: this build or device lacks it
            failed[trial.kernel] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        reached.append(runner.reached)
        # Only the best keep their operands: those of all trials would fill the memory.
        finalists = _best([*finalists, runner])
    finalists = _finals(finalists, watch, lambda: watch.now() - begin < seconds)
    final = {(runner.reached.kernel, runner.reached.size): runner.reached for runner in finalists}
    latest = (final.get((result.kernel, result.size), result) for result in reached)
    ordered = tuple(sorted(latest, key=lambda result: result.rate, reverse=True))
    return Findings(ordered, tuple(failed.items()), left_out)


def _finals(runners: list[_Runner], watch: Watch, goes_on: Callable[[], bool]) -> list[_Runner]:
    """Repeats the finalists in turn, each at least once."""
    while runners:
        runners = [runner.again(watch) for runner in runners]
        if not goes_on():
            break
    return runners


def _tried(trial: KernelTrial, repeat: float, watch: Watch) -> _Runner:
    """Warms up with one call, times one call to size a repeat, then times the first repeat."""
    call = trial.prepare()
    call()
    alone, _ = watch.timed(call, 1)
    calls = min(_MOST_CALLS, max(1, math.ceil(repeat / alone)))
    new = _Runner(call, trial.work, calls, Reached(trial.kernel, trial.size, 0.0, 0))
    return new.again(watch)


def _best(runners: list[_Runner]) -> list[_Runner]:
    return sorted(runners, key=lambda runner: runner.reached.rate, reverse=True)[:_FINALISTS]
