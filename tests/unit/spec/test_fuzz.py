"""A few hundred mutated specs; `tests/fuzz/specs.py` makes as many as one likes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
