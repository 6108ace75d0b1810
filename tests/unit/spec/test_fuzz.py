"""A few hundred mutated specs; `tests/fuzz/specs.py` makes as many as one likes."""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import Problem, SpecError

SCRIPT = Path(__file__).parents[2] / "fuzz" / "specs.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_mutated_specs_are_taken_or_refused_in_plain_words() -> None:
    """No traceback, no hang, no endless message; and the closing line counts them all."""
    done = run("--count", "300", "--seed", "1", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    line = done.stdout.splitlines()[-1]
    assert re.match(r"300 specs, seed 1: \d+ taken \(\d+ planned\), \d+ refused, 0 faults; ", line)
    assert ": 0 taken" not in line


def test_a_case_can_be_run_again() -> None:
    """It is made from the seed and its number alone."""
    one, again = (run("--seed", "3", "--case", "17") for _ in range(2))
    assert one.returncode == 0
    assert one.stdout == again.stdout


@pytest.fixture
def fuzzer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in a folder of its own, with little patience."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location("fuzz_specs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    return module


def refuse(where: str, message: str) -> None:
    raise SpecError([Problem(where, message)])


def wait() -> None:
    """As code does that catches all: that must not hide a hang."""
    with suppress(Exception):
        time.sleep(5)


@pytest.mark.parametrize(
    ("does", "place"),
    [
        (lambda: int("x"), "ValueError"),
        (wait, "hang"),
        (lambda: refuse("s.yaml:1:1", "x" * 5000), "a long line"),
        (lambda: refuse("s.yaml:1:1", "x\n" * 40_000), "a long message"),
        (lambda: refuse("", "wrong"), "a fault without a place"),
    ],
)
def test_what_is_wrong_with_the_loader_is_found(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch, does: Callable[[], Any], place: str
) -> None:
    monkeypatch.setattr(fuzzer, "load", lambda *_: does())
    before = signal.signal(signal.SIGALRM, fuzzer._over)
    try:
        outcome, where, told = fuzzer.judged(fuzzer.Case(b"matrix: 1"))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (outcome, where.partition(":")[0]) == ("fault", place)
    assert told


def test_a_process_that_dies_is_a_fault(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzzer, "make_case", lambda *_: signal.raise_signal(signal.SIGKILL))
    figures = fuzzer.run(seed=1, count=10, minutes=1, jobs=1)
    (fault,) = figures.faults
    assert fault.told == "cases 0 to 9 ended with -9"
