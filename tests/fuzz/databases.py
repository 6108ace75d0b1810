"""Damages a database of results at random, and sees that each command either reads it or says
in one sentence why not.

    python tests/fuzz/databases.py --count 5000 --seed 1

Bytes are flipped, overwritten, moved and cut off; values, rows, columns and tables are replaced
and removed. A traceback is a fault; so are a hang, a crash, and more memory than anyone needs.
Each fault is printed with what repeats it. Exit code 1 if there is any.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from random import Random as Dice
from typing import IO

import psutil
from click.testing import CliRunner
from damage import damaged  # type: ignore[import-not-found]  # beside this script

from harness import pipeline, stored
from harness.cli import cli
from harness.dispatch import run as run_room
from harness.dispatch.campaign import Campaign, RoundDone
from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.location import Location
from harness.domain.result import Round, Sample, Score, Status
from harness.domain.run import Commit
from harness.domain.selfcheck import SelfCheck
from harness.errors import HarnessError
from harness.store import Store
from tests.in_turn import in_turn

SPEC = """\
name: fuzzed
baseline: {precision: fp32, compression: none}
matrix:
  model: [nano]
  scenario: [prefill, decode]
  precision: [fp32, bf16]
  compression: [none, int8-dynamic]
exclude: [{precision: bf16, compression: int8-dynamic}]
workload: {batch: [1], prompt: [16, 32, 64], generate: 8}
measure: {rounds: 2, max_rounds: 2}
"""

LAYOUTS = Path(__file__).parents[1] / "unit" / "store" / "layouts"

_BATCH = 50  # databases a child process reads
_SECONDS = 60  # of a processor, for one database
_PATIENCE = 600  # seconds by the clock, on a machine that does much else
_BYTES = 3 * 2**30  # of address space for a child

# A database with rows in every table -------------------------------------------------------


def make(folder: Path) -> Path:
    """The database that three runs of the spec would leave, with made-up figures."""
    spec, db = folder / "fuzzed.yaml", folder / "whole.sqlite"
    spec.write_text(SPEC)
    location = Location.file(db)
    request = pipeline.Request((str(spec),), location, fresh=True)
    prepared = pipeline.prepare(request)
    with Store(location) as store:
        for day in range(3):
            date = datetime(2026, 1, 5 + day, tzinfo=UTC)
            commit = Commit(f"{day}" * 40, "main", date, f"Change {day}") if day < 2 else None
            fill(store, request, replace(prepared, commit=commit or prepared.commit), day)
    return db


def make_early(folder: Path) -> list[Path]:
    """A database of each earlier layout."""
    made = []
    for layout in sorted(LAYOUTS.glob("*.sql")):
        made.append(folder / f"{layout.stem}.sqlite")
        with closing(sqlite3.connect(made[-1])) as connection:
            connection.executescript(layout.read_text())
    return made


def fill(store: Store, request: pipeline.Request, prepared: pipeline.Prepared, day: int) -> None:
    """One run's rows."""
    dice = Dice(day)
    run = store.begin(pipeline.run_of(prepared, request.command))
    items = prepared.plan.items
    keys = {one.cell.id: store.open_result(run, one.cell, one.baseline, None) for one in items}
    state = Campaign(items, {}, seed=day)
    for event in in_turn(state, lambda item, index: made_up(dice, index)):
        key = keys[event.item.cell.id]
        if isinstance(event, RoundDone):
            store.save_round(key, run, event.round)
        else:
            run_room.close(store, key, event)
    cell, kind = items[0].cell, CeilingKind.MEASURED
    left = store.open_result(run, items[-1].cell, None, None)  # a failure follows, and an open one
    store.close_result(left, Status.FAILED, "ValueError: no", "Traceback: made up")
    store.open_result(run, items[-2].cell, None, None)
    when = run.started + timedelta(hours=1)
    check = SelfCheck(cell, "tokens_per_second", 50, 7.5, 0.02, 0.01, 0.03, 0.95, when)
    store.save_selfcheck(run.host, run.environment, check)
    found = [
        Ceiling(name, value, unit, kind, "made up", others=0.01)
        for name, value, unit in (("gemm_fp32", 2e11, "FLOP/s"), ("memory_read", 2e10, "B/s"))
    ]
    store.save_ceilings(run.host, run.environment, "local", found)
    store.finish(run)


def made_up(dice: Dice, index: int) -> Round:
    """A round that went well."""
    sections = ("latency", "ttft", "tpot")
    samples = tuple(
        Sample(name, dice.uniform(0.01, 0.02), warmup=turn == 0)
        for turn in range(4)
        for name in sections
    )
    scores = tuple(Score(255, 300, 800 + 9.5 * n, 799.5, 0.5, 250, 700.0) for n in range(9))
    names = ("flops", "bytes_moved", "peak_flops", "peak_bandwidth", "model_bytes", "parameters")
    facts = {name: dice.uniform(1e8, 2e8) for name in (*names, "peak_memory", "held_memory")}
    facts |= {"tokens": 16.0, "steps": 8.0, "load_time": 0.5, "host_steal": 0.3, "host_others": 0.0}
    return Round(
        index,
        Status.OK,
        samples=samples,
        scores=() if index else scores,
        facts={**facts, "price_per_hour": 2.5, "logit_error": 1e-3, "compression_time": 0.1},
        notes={"energy_per_token": "no counter", "host_governor": "powersave"},
        started=datetime(2026, 1, 5, 10, index, tzinfo=UTC),
        seconds=dice.uniform(1, 2),
    )


# Reading -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A damaged database: what makes it, and where it is."""

    seed: int
    number: int
    folder: Path

    @property
    def dice(self) -> Dice:
        """The same every time."""
        return Dice(f"{self.seed} {self.number}")

    @property
    def db(self) -> Path:
        """The damaged file."""
        return self.folder / "damaged.sqlite"

    @property
    def location(self) -> Location:
        """The same, for the store."""
        return Location.file(self.db)


def outcomes(case: Case) -> Iterator[str]:
    """Read the database in every way: how each ended, or the traceback."""
    for read in (
        lambda: stored.results(case.location, newest_only=False, samples=True),
        lambda: stored.selfchecks(case.location),
        lambda: stored.all_ceilings(case.location),
    ):
        yield outcome(read)
    dice = case.dice
    formats = [["--format", name] for name in ("table", "json", "csv", "markdown")]
    yield shown("show", *dice.choice(formats), *dice.choice([[], ["--all"]]), case=case)
    if dice.random() < 0.1:
        yield shown("show", "--sort", "tokens_per_second", case=case)
        yield shown("plan", str(case.folder / "fuzzed.yaml"), case=case)
    if dice.random() < 0.1:
        yield shown("site", "--out", str(case.folder / "site"), case=case)


def outcome(read: Callable[[], object]) -> str:
    """How it ended, or the traceback."""
    try:
        read()
    except HarnessError:
        return "refused"
    except Exception:  # noqa: BLE001 - what this looks for
        return traceback.format_exc()
    return "read"


def shown(*command: str, case: Case) -> str:
    """How the command ended, or the traceback."""
    result = CliRunner().invoke(cli, [*command, "--db", str(case.db)])
    if isinstance(result.exception, HarnessError):  # which `harness` prints as one line
        return "refused"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return " ".join(command) + "\n" + "".join(traceback.format_exception(result.exception))
    return "refused" if result.exit_code == 2 else "read"


# Bounds ------------------------------------------------------------------------------------


def read_batch(whole: Sequence[Path], cases: list[Case], answers: int) -> None:
    """In a child: a line of outcomes for each database."""
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
    with os.fdopen(answers, "w") as out, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        for case in cases:
            dice = case.dice
            damaged(dice, dice.choice(whole), case.db)
            out.write(json.dumps(list(outcomes(case))) + "\n")
            out.flush()
            for file in case.folder.glob("damaged.sqlite*"):
                file.unlink()


def batch(whole: Sequence[Path], cases: list[Case]) -> Iterator[list[str]]:
    """The outcomes of each database in turn; ends with the first that hangs or crashes."""
    answers, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answers)
        try:
            read_batch(whole, cases, theirs)
        except Exception:  # noqa: BLE001 - a fault of this script itself
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(answers) as told:
        yield from _lines(told, psutil.Process(child))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _lines(told: IO[str], child: psutil.Process) -> Iterator[list[str]]:
    while _speaks(told, child) and (line := told.readline()):
        yield json.loads(line)


def _speaks(told: IO[str], child: psutil.Process) -> bool:
    """Whether it does before its time is up."""
    end, begin = time.monotonic() + _PATIENCE, child.cpu_times()
    while not select.select([told], [], [], 1)[0]:
        worked = sum(child.cpu_times()[:2]) - sum(begin[:2])
        if worked > _SECONDS or time.monotonic() > end:
            return False
    return True


def run(whole: Sequence[Path], cases: list[Case]) -> Iterator[tuple[Case, list[str]]]:
    """Every case and its outcomes; one without is a hang or a crash, and goes on behind it."""
    start = 0
    while start < len(cases):
        wanted = cases[start : start + _BATCH]
        told = list(batch(whole, wanted))
        yield from zip(wanted, told, strict=False)
        start += len(told)
        if len(told) < len(wanted):
            yield wanted[len(told)], [f"no answer: a crash, or none in {_SECONDS} s of a processor"]
            start += 1


def main() -> int:
    """Print the faults, then one line of figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5000, help="databases to damage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    options = parser.parse_args()
    began, counts, faults = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        early = make_early(folder)
        whole = [*early, *[make(folder)] * len(early)]  # half of them of today's layout
        numbers = range(options.first, options.first + options.count)
        cases = [Case(options.seed, number, folder) for number in numbers]
        for case, told in run(whole, cases):
            wrong = [one for one in told if one not in {"read", "refused"}]
            counts["fault" if wrong else "refused" if "refused" in told else "read"] += 1
            for one in wrong[:1]:
                print(f"--seed {case.seed} --first {case.number} --count 1\n{one}", flush=True)
    faults = counts["fault"]
    print(
        f"{options.count} damaged databases in {time.monotonic() - began:.0f} s: "
        f"{counts['read']} read, {counts['refused']} refused, {faults} faults"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
