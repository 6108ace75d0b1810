"""`harness ceiling` for real, with a time too short to find much: what it tells must hold."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.analyse.bandwidth import read_bandwidth
from harness.ceilings.measure import measure
from harness.domain.cell import Choice
from harness.errors import CeilingError

if TYPE_CHECKING:
    from tests.conftest import Harness

BRIEF = ("--seconds", "0.05")
SPEC = """\
name: beside
matrix:
  model: nano
  scenario: prefill
  precision: [fp32, bf16]
workload: {prompt: 16}
measure: {rounds: 1, max_rounds: 1, samples: 3, max_samples: 20, round_time: 10ms}
"""


def by_kind(document: dict[str, Any], kind: str) -> dict[str, float]:
    """Values by name."""
    return {one["name"]: one["value"] for one in document["ceilings"] if one["kind"] == kind}


def test_ceilings_are_measured_once_kept_and_quoted_beside_cells(
    harness: Harness, tmp_path: Path
) -> None:
    """The command, the run that takes them up, and the page that shows them."""
    first = harness("ceiling", *BRIEF, "--format", "json")
    assert first.code == 0, first.err
    assert "measuring the ceilings of local" in first.err
    measured, theory = by_kind(first.json, "measured"), by_kind(first.json, "theoretical")
    formats = {f"gemm_{one}" for one in ("fp32", "bf16", "fp16", "int8")}
    assert formats | {"memory_read", "memory_read@1MiB", "memory_copy"} <= measured.keys()
    assert all(value > 0 for value in measured.values())
    # Whatever this processor is: theory that does not hold for it is not shown, and why is.
    assert all(measured[name] <= peak for name, peak in theory.items())
    assert bool(theory) == (first.json["no_theory"] is None)
    undisturbed(tmp_path)
    again = harness("ceiling", *BRIEF)
    assert "measuring" not in again.err
    assert "gemm_fp32" in again.out
    assert bool(theory) != ("no theoretical peak" in again.out)

    (tmp_path / "spec.yaml").write_text(SPEC)
    run = harness("run", "spec.yaml")
    assert run.code == 0, run.err
    assert "ceilings of local" not in run.err  # they are stored
    peaks = {measured[name] for name in ("gemm_fp32", "gemm_bf16")}
    assert set(facts(tmp_path, "peak_flops")) == peaks
    # The model is smaller than the smallest buffer.
    assert facts(tmp_path, "peak_bandwidth") == [read_bandwidth(measured, 1)] * 2

    assert harness("site").code == 0
    page = (tmp_path / "results" / "site" / "ceilings.html").read_text()
    assert "Matrix products in bf16" in page


def facts(folder: Path, name: str) -> list[float]:
    """All that rounds were given of that name."""
    with sqlite3.connect(folder / "results" / "harness.sqlite") as connection:
        rows = connection.execute("select value from fact where name = ?", [name])
        return [value for (value,) in rows]


def undisturbed(folder: Path) -> None:
    """Let no other work have lowered what is stored: a command would measure that again."""
    with sqlite3.connect(folder / "results" / "harness.sqlite") as connection:
        connection.execute("update ceiling set others = 0")


def test_a_run_goes_on_where_ceilings_cannot_be_measured(
    harness: Harness, env: dict[str, str], tmp_path: Path
) -> None:
    """It says so, and its cells have no figure of it."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import sys\n"
        "if any('ceilings.worker' in one for one in sys.orig_argv):\n"
        "    raise SystemExit('no ceiling today')\n"
    )
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(broken), env.get("PYTHONPATH", "")]))
    (tmp_path / "spec.yaml").write_text(SPEC)
    run = harness("run", "spec.yaml")
    assert run.code == 0, run.err
    assert "some ceilings of local are unknown" in run.err
    assert facts(tmp_path, "peak_flops") == facts(tmp_path, "peak_bandwidth") == []
    answer = harness("ceiling", *BRIEF)
    assert answer.code == 1
    assert "some ceilings of local are unknown" in answer.err


def test_a_worker_that_fails_says_how_it_ended() -> None:
    """The last line of what it printed."""
    with pytest.raises(CeilingError, match=r"exit code 1: .*unknown hardware 'nonsense'"):
        list(measure(Choice("nonsense"), ["gemm_fp32"], 0.05))


def test_whoever_stops_listening_ends_it() -> None:
    """As Ctrl-C does: no process stays behind."""
    before = set(psutil.Process().children())
    answers = measure(Choice("local"), ["gemm_fp32", "gemm_bf16"], 0.05)
    next(answers)
    (worker,) = set(psutil.Process().children()) - before
    answers.close()
    assert not worker.is_running()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_behind_when_it_is_stopped(
    env: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    """Politely or not; Ctrl-C's exit code is 130."""
    command = [sys.executable, "-m", "harness", "ceiling", "--seconds", "30"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stderr is not None
    assert "measuring" in process.stderr.readline()
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(how)
    process.communicate(timeout=30)
    assert process.returncode in {130, -signal.SIGKILL}
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
