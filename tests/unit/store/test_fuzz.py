"""Reads some randomly damaged databases; `make fuzz` reads thousands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "fuzz" / "databases.py"


@pytest.mark.thorough
def test_no_damage_ends_in_a_traceback() -> None:
    """Whatever the damage, a file is read or refused in a sentence."""
    command = [sys.executable, str(SCRIPT), "--count", "40", "--seed", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 damaged databases" in done.stdout
    assert done.stdout.rstrip().endswith(", 0 faults")
