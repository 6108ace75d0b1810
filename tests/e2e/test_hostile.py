"""`harness run` beside an outside package that does what no entry may do."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

LIMIT = 5  # seconds of a round; a deed that never ends takes it whole

QUICK = """\
workload: {batch: [1], prompt: 16, generate: 4}
measure: {rounds: 1, max_rounds: 1, samples: 3, round_time: 10ms, ceiling: false}
"""

# By deed, the status and how the reason begins.
EXPECTED = {
    "daemon": ("ok", ""),
    "popen": ("ok", ""),
    "listener": ("ok", ""),
    "stops-server": ("ok", ""),
    "greedy-daemons": ("out of memory", "held "),
    "greedy-children": ("out of memory", "held "),
    "leaver": ("timed out", f"the round took longer than {LIMIT} s"),
    "kills-server": ("crashed", "the process that starts rounds ended (SIGKILL), twice"),
    "scribbler": ("failed", "its report cannot be read: "),
    "flood": ("failed", "its report cannot be read: it is longer than 128 MiB"),
    "measuring": ("failed", "its report cannot be read: no round ends measuring"),
    "empty": ("failed", "its report cannot be read: it has no tokens_per_second"),
    "endless": ("failed", "its report cannot be read: samples.0.seconds: "),
    "silent": ("failed", "ended without a report (exit code 0)"),
    "exits": ("failed", "SystemExit: enough"),
    "interrupts": ("failed", "KeyboardInterrupt"),
    "wordless": ("failed", "_Wordless: (its message cannot be read: str() raises RuntimeError)"),
    "surrogate": ("failed", r"ValueError: caf\udce9"),
    "endless-words": ("failed", "ValueError: zzz"),
    "escapes": ("failed", "ValueError: "),
}


def test_no_deed_ends_the_run_or_outlives_it(
    harness: Harness, env: dict[str, str], hostile_package: Path, tmp_path: Path
) -> None:
    """Each has its status, the honest cell its figures; no process, file or port is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env |= {
        "PYTHONPATH": str(hostile_package),
        "HOSTILE_PORT": str(port),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    deeds = ", ".join(f"{{name: hostile, deed: {deed}}}" for deed in EXPECTED)
    (tmp_path / "hostile.yaml").write_text(
        f"name: hostile\nmatrix: {{model: nano, scenario: prefill, operator: [sdpa, {deeds}]}}\n"
        f"limits: {{timeout: {LIMIT}s, memory: 1500MiB}}\n{QUICK}"
    )

    answer = harness("run", "hostile.yaml")

    assert answer.code == 1, answer.err
    found = {
        one["axes"]["operator"]: (one["status"], one["reason"])
        for one in harness("show", "--format", "json").json["results"]
    }
    assert found.pop("sdpa") == ("ok", "")
    assert len(found) == len(EXPECTED)
    for deed, (status, reason) in EXPECTED.items():
        there = found[f"hostile(deed={deed})"]
        assert (there[0], there[1][: len(reason)]) == (status, reason), deed
        assert len(there[1]) < 600
    assert left_behind(port) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "cache").rglob("*.safetensors")) == []
    socket.create_server(("127.0.0.1", port)).close()
    assert harness("run", "hostile.yaml").code == 1  # what failed is reused, and says so again


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_takes_daemons_with_it(
    env: dict[str, str], hostile_package: Path, tmp_path: Path, how: signal.Signals
) -> None:
    """Also those whose parent has ended, and that left the round's group and session."""
    mark = tmp_path.name
    env |= {"PYTHONPATH": str(hostile_package), "HOSTILE_PORT": mark}
    (tmp_path / "waits.yaml").write_text(
        "name: waits\nmatrix: {model: nano, scenario: prefill, "
        f"operator: {{name: hostile, deed: waits}}}}\n{QUICK}"
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "waits.yaml", "-q"], cwd=tmp_path, env=env
    )
    while len(left_behind(mark)) < 4:  # the run, its server, the round, the daemon
        assert run.poll() is None
        time.sleep(0.1)
    run.send_signal(how)
    run.wait(30)
    _, alive = psutil.wait_procs(left_behind(mark), timeout=15)
    assert alive == []


def left_behind(port: object) -> list[psutil.Process]:
    """Processes that still run and were started with the test's environment."""
    return [
        one for one in psutil.process_iter() if _environment(one).get("HOSTILE_PORT") == str(port)
    ]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:  # gone, or the kernel's own
        return {}


@pytest.mark.thorough
def test_wrong_outputs_are_failures_and_never_figures(
    harness: Harness, env: dict[str, str], hostile_package: Path, tmp_path: Path
) -> None:
    """NaN in any pass, and a backend that computes something else, in fp32 too."""
    env["PYTHONPATH"] = str(hostile_package)
    (tmp_path / "wrong.yaml").write_text(
        "name: wrong\nmatrix: {model: nano, scenario: [prefill, decode, train]}\n"
        "include:\n"
        "  - {scenario: [prefill, train], operator: nan}\n"
        "  - {scenario: decode, operator: {name: nan, when: decode}}\n"
        "  - {scenario: [prefill, decode], backend: [zeros, honest], precision: [fp32, bf16]}\n"
        "  - {backend: half, precision: [fp32, bf16]}\n"
        "  - {scenario: [prefill, decode], backend: forgetful}\n"
        f"  - {{backend: honest, parallelism: {{data: 2}}}}\n{QUICK}".replace("[1]", "[2]")
    )

    answer = harness("run", "wrong.yaml", "--set", "measure.quality=false")

    assert answer.code == 1, answer.err
    found = harness("show", "--format", "json").json["results"]
    assert len(found) == 3 + 3 + 8 + 2 + 2 + 1
    for one in found:
        axes, told = one["axes"], (one["status"], one["reason"])
        if axes["operator"].startswith("nan"):
            assert told[0] == "failed", axes
            assert told[1].endswith("are not finite numbers"), told
        elif axes["backend"] == "zeros":
            assert told[0] == "failed", axes
            assert "the logits of zeros differ from eager's: relative error 1, above " in told[1]
        elif axes["backend"] == "forgetful" or (axes["backend"], axes["precision"]) == (
            "half",
            "fp32",
        ):  # right in whole prompts, wrong in decode; bf16 under the name of fp32
            assert told[0] == "failed", axes
            assert f"the logits of {axes['backend']} differ from eager's" in told[1]
        elif axes["parallelism"] != "none":
            why = "honest does not run models that are split over processes"
            assert told == ("unsupported", why)
        else:
            assert told == ("ok", ""), axes
