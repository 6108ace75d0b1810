"""SIGKILLs at random instants: of a run, of its fork server, of its rounds. Is a round ever lost?

    python tests/soak/kills.py --kills 1000 --seed 1 --minutes 60

After each kill: every round that was printed as done is stored, and once; the database is whole;
a killed run leaves no process. Two runs are attacked at a time, each with a database of its own.
The closing line gives the figures; exit code 1 where anything was lost, doubled or left.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SPEC = """\
name: soak
matrix: {model: nano, scenario: [prefill, decode], operator: [sdpa, math]}
workload: {prompt: 16, generate: 4}
measure:
  {rounds: 5, max_rounds: 5, samples: 3, round_time: 50ms, ceiling: false, max_time: 10m}
"""
MARK = "HARNESS_SOAK"
LONGEST = 8.0  # seconds from the start of a run, or from the last kill, to the next
PATIENCE = 20.0  # seconds that processes have to end

TARGETS = ("run", "run", "run", "server", "round")  # a run is killed as often as all else


@dataclass
class Victim:
    """One database, and the runs that are killed while they fill it."""

    folder: Path
    dice: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    finished: int = 0
    stored: int = 0  # rounds, in databases that were filled
    _printed: int = 0  # rounds that runs into this database said were done

    def attack(self, kills: int, deadline: float) -> None:
        """So many kills, or until the time is up."""
        self._anew()
        while self.kills.total() < kills and time.monotonic() < deadline:
            self._one_run(kills)

    def _anew(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in self.folder.glob("results/*"):
            file.unlink()
        (self.folder / "soak.yaml").write_text(SPEC)
        self._printed = 0

    def _one_run(self, kills: int) -> None:
        log = self.folder / "log"
        with log.open("wb") as out:
            run = subprocess.Popen(
                [sys.executable, "-m", "harness", "run", "soak.yaml", "-v", "--retry-failed"],
                cwd=self.folder,
                env={**os.environ, MARK: str(self.folder), "HARNESS_CACHE": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        while run.poll() is None and self.kills.total() < kills:
            end = time.monotonic() + self.dice.uniform(0, LONGEST)
            while run.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
            if run.poll() is None:
                self._kill(run, self.dice.choice(TARGETS))
        if run.poll() is None:
            run.kill()
        code = run.wait()
        text = log.read_text(errors="replace")
        self._printed += sum(line.startswith("  round ") for line in text.splitlines())
        if code not in (0, 1, -signal.SIGKILL) or "Traceback (most" in text:
            self._fault(f"the run ended with {code}: {text[-2000:]}")
        self._look(code)

    def _kill(self, run: subprocess.Popen[bytes], target: str) -> None:
        """One of the run's processes; the run itself where it has no such process now."""
        try:
            servers = psutil.Process(run.pid).children()
            rounds = [one for server in servers for one in server.children()]
            found = {"run": [], "server": servers, "round": rounds}[target]
            victim = found[0].pid if found else run.pid
            os.kill(victim, signal.SIGKILL)
        except (psutil.NoSuchProcess, ProcessLookupError):  # it ended meanwhile
            return
        self.kills[target if found else "run"] += 1

    def _look(self, code: int) -> None:
        """Is everything there, once, and is nothing left?"""
        deadline = time.monotonic() + PATIENCE
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(0.1)
        if left:
            self._fault(f"left behind: {left}")
        rounds = self._rounds()
        if rounds < self._printed:
            self._fault(f"{self._printed} rounds were done, {rounds} are stored")
        if code in (0, 1) and rounds:  # it was not killed: the plan is done
            self.finished += 1
            self.stored += rounds
            self._anew()

    def _left(self) -> list[str]:
        found = []
        for one in psutil.process_iter():
            try:
                if one.environ().get(MARK) == str(self.folder):
                    found.append(str(one))
            except psutil.Error:  # gone, or the kernel's own
                continue
        return found

    def _rounds(self) -> int:
        """Rounds that are stored; the database must be whole and hold none twice."""
        database = self.folder / "results" / "harness.sqlite"
        if not database.exists():
            return 0
        with sqlite3.connect(database, timeout=30) as connection:
            ask = connection.execute
            (whole,) = ask("pragma integrity_check").fetchone()
            if whole != "ok":
                self._fault(f"the database is broken: {whole}")
            if not ask("select 1 from sqlite_master where name = 'round'").fetchone():
                return 0
            doubled = ask(
                "select result, position from round group by result, position having count(*) > 1"
            ).fetchall()
            if doubled:
                self._fault(f"rounds are stored twice: {doubled}")
            (rounds,) = ask("select count(*) from round").fetchone()
        return int(rounds)

    def _fault(self, text: str) -> None:
        self.faults.append(text)
        print(f"{self.folder.name}: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Attack two runs at a time, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args()
    deadline = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory(prefix="harness-soak-") as name, ThreadPoolExecutor(2) as pool:
        victims = [
            Victim(Path(name) / str(number), random.Random(asked.seed + number))
            for number in range(2)
        ]
        half = (asked.kills + 1) // 2
        for done in [pool.submit(victim.attack, half, deadline) for victim in victims]:
            done.result()
    kills: Counter[str] = sum((victim.kills for victim in victims), Counter())
    faults = sum(len(victim.faults) for victim in victims)
    runs, stored = (sum(getattr(v, name) for v in victims) for name in ("finished", "stored"))
    each = ", ".join(f"{count} {target}s" for target, count in kills.items())
    print(
        f"{kills.total()} kills ({each}), {runs} databases filled with {stored} rounds, "
        f"{faults} faults"
    )
    return 1 if faults or kills.total() < asked.kills else 0


if __name__ == "__main__":
    sys.exit(main())
