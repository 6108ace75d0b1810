"""Mutated specs are read and planned: each is taken or refused, within its time, in few words.

    python tests/fuzz/specs.py --count 100000 --seed 1
    python tests/fuzz/specs.py --seed 1 --case 4711    # one case again, with its text

A case is made from the seed and its number alone. A fault is a traceback, five seconds without an
answer, a message nobody would read, or a spec that cannot be stored. Exit code 1 if there is any.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.domain.run import Gpu, Host
from harness.errors import HarnessError, SpecError, UsageError
from harness.plan.plan import make_plan
from harness.spec.load import load
from tests.fuzz.mutations import Case, make_case, seeds_of

FILE = "s.yaml"
PATIENCE = 5.0  # seconds for a case
LONGEST = 2_000  # characters of one fault
MOST = 60_000  # characters of a message
MEMORY = 2 * 2**30  # bytes of address space of a batch's process
BATCH = 500
HOST = Host("a CPU", "x86_64", 4, 8, (), 24 * 2**30, "Linux", (Gpu("a GPU", 16 * 2**30),))


class _Hang(BaseException):
    """The time is over. No handler of the code under test catches it."""


@dataclass(frozen=True)
class Fault:
    """What a case did wrong; `place` is alike for faults of one cause."""

    number: int
    place: str
    told: str


@dataclass
class Figures:
    """Of a batch, or of all."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    memory: int = 0  # bytes resident, the most of a batch's process

    def add(self, other: Figures) -> None:
        self.outcomes += other.outcomes
        self.faults += other.faults
        self.memory = max(self.memory, other.memory)


def judged(case: Case) -> tuple[str, str, str]:
    """The outcome; of a fault also its place, and what is to be told."""
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        outcome, complaint = _tried(case)
    except _Hang:
        return "fault", f"hang: {_innermost()}", traceback.format_exc(limit=-8)
    except Exception as error:  # noqa: BLE001 - the very thing that is looked for
        return "fault", f"{type(error).__name__}: {_innermost()}", traceback.format_exc(limit=-8)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ("fault", complaint.partition(":")[0], complaint) if complaint else (outcome, "", "")


def _tried(case: Case) -> tuple[str, str]:
    """The outcome, and what there is to complain of."""
    Path(FILE).write_bytes(case.content)
    try:
        specs = load([FILE], case.overrides, case.only)
    except (UsageError, SpecError) as error:
        return "refused", _of_message(error)
    for spec in specs:
        told = json.dumps([spec.name, spec.question, *(cell.to_json() for cell in spec.cells)])
        json.loads(told.encode())
        spec.name.encode(), spec.question.encode(), spec.digest.encode()
    if case.plans:
        reasons = [item.reason for item in make_plan(specs, HOST, {}, {})]
        if longest := max(reasons, key=len, default=""):
            return "planned", _of_length(longest)
    return "taken", ""


def _of_message(error: HarnessError) -> str:
    if not str(error).strip():
        return "an empty message"
    if len(str(error)) > MOST:
        return f"a long message: {len(str(error)):,} characters: {str(error)[:300]}"
    problems = error.problems if isinstance(error, SpecError) else ()
    for problem in problems:
        if not problem.where.startswith((FILE, "--set ", "--only ")):
            return f"a fault without a place: {problem}"
    return _of_length(max(str(error).splitlines(), key=len))


def _of_length(line: str) -> str:
    return f"a long line: {len(line):,} characters: {line[:300]}" if len(line) > LONGEST else ""


def _innermost() -> str:
    """The last of the harness's own lines in the traceback at hand."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    ours = [one for one in frames if "/harness/" in one.filename]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "outside"


def batch(seed: int, numbers: range, folder: str, answer: Connection) -> None:
    """In a process of its own, with bounded memory: the figures of these cases."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _over)
    Path(folder, str(os.getpid())).mkdir()
    os.chdir(Path(folder, str(os.getpid())))
    seeds, figures = seeds_of(Path.cwd()), Figures()
    for number in numbers:
        outcome, place, told = judged(make_case(seeds, seed, number))
        figures.outcomes[outcome] += 1
        if outcome == "fault":
            figures.faults.append(Fault(number, place, told))
    figures.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answer.send(figures)


def _over(*_: object) -> None:
    raise _Hang


def run(seed: int, count: int, minutes: float, jobs: int) -> Figures:
    """All batches, so many at a time, until the cases or the time are over."""
    context, total = multiprocessing.get_context("fork"), Figures()
    end = time.monotonic() + 60 * minutes
    todo = iter([range(at, min(at + BATCH, count)) for at in range(0, count, BATCH)])
    running: dict[Any, tuple[range, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        while True:
            while len(running) < jobs and time.monotonic() < end:
                numbers = next(todo, None)
                if numbers is None:
                    break
                ours, theirs = context.Pipe(duplex=False)
                child = context.Process(target=batch, args=(seed, numbers, folder, theirs))
                child.start()
                theirs.close()
                running[ours] = (numbers, child)
            if not running:
                return total
            for ready in wait([*running], timeout=BATCH * PATIENCE) or [*running]:
                numbers, child = running.pop(ready)
                total.add(_answer(ready, numbers, child))


def _answer(ready: Any, numbers: range, child: Any) -> Figures:
    """A batch's figures; a process that died or fell silent is a fault of its own."""
    try:
        if ready.poll():
            figures: Figures = ready.recv()
            child.join()
            return figures
    except EOFError:
        pass
    child.kill()
    child.join()
    told = f"cases {numbers.start} to {numbers.stop - 1} ended with {child.exitcode}"
    return Figures(Counter(fault=1), [Fault(numbers.start, "a process died", told)])


def minimised(case: Case, place: str) -> Case:
    """The case with the most left out that still has the fault."""
    pieces = case.content.splitlines(keepends=True)
    size, tries = max(1, len(pieces) // 2), 100
    while size and tries:
        for at in range(0, len(pieces), size):
            fewer = pieces[:at] + pieces[at + size :]
            tries -= 1
            if tries <= 0:
                break
            if judged(case.with_content(b"".join(fewer)))[1] == place:
                pieces = fewer
                break
        else:
            size //= 2
    return case.with_content(b"".join(pieces))


def report(seed: int, faults: list[Fault]) -> Iterator[str]:
    """Each cause once, with the first case that has it."""
    signal.signal(signal.SIGALRM, _over)
    by_place: dict[str, list[Fault]] = {}
    for fault in sorted(faults, key=lambda one: one.number):
        by_place.setdefault(fault.place, []).append(fault)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seeds = seeds_of(Path(folder))
        for place, alike in by_place.items():
            first = alike[0]
            small = minimised(make_case(seeds, seed, first.number), place)
            yield f"{place}: {len(alike)} cases, the first --seed {seed} --case {first.number}"
            yield f"{first.told.rstrip()}\n{small}\n"
        os.chdir("/")


def one_case(seed: int, number: int) -> int:
    """A case again; 1 if it is a fault."""
    signal.signal(signal.SIGALRM, _over)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        case = make_case(seeds_of(Path(folder)), seed, number)
        outcome, place, told = judged(case)
        print(case, outcome, place, told, sep="\n")
        os.chdir("/")
    return int(outcome == "fault")


def main(say: Callable[[str], None]) -> int:
    """1 if there was any fault."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000, help="cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after so many")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--case", type=int, help="only this one")
    asked = parser.parse_args()
    if asked.case is not None:
        return one_case(asked.seed, asked.case)
    begin = time.monotonic()
    figures = run(asked.seed, asked.count, asked.minutes, asked.jobs)
    for line in report(asked.seed, figures.faults):
        say(line)
    outcomes = figures.outcomes
    say(
        f"{outcomes.total():,} specs, seed {asked.seed}: {outcomes['taken'] + outcomes['planned']:,} "
        f"taken ({outcomes['planned']:,} planned), {outcomes['refused']:,} refused, "
        f"{outcomes['fault']:,} faults; {time.monotonic() - begin:.0f} s, "
        f"{figures.memory / 2**20:.0f} MiB at most"
    )
    return int(bool(figures.faults))


if __name__ == "__main__":
    sys.exit(main(print))
