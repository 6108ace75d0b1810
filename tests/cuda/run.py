"""Run everything that needs a GPU: the tests marked `cuda`, then specs/gpu.yaml.

    python tests/cuda/run.py OUT [--minutes 8]

Needs a torch that can use the GPU, the project's other dependencies and pytest; no network.
Each step logs to OUT/<step>.log; results go to OUT/gpu.sqlite. A failing step does not stop the
later ones. Exit code 1 if any step failed or ran out of time.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HARNESS = (sys.executable, "-m", "harness")
# The steps in their order: the later ones take what the earlier ones leave of the time.
LEAST = 10.0  # seconds, which any step has, be the time over


@dataclass(frozen=True)
class Step:
    """A command, and the share of the time that is left which it may take."""

    name: str
    command: Sequence[str]
    share: float = 1.0


def steps(out: Path) -> list[Step]:
    """What is looked at first comes first."""
    tests = [sys.executable, "-m", "pytest", "-p", "pytest_timeout", "-p", "xdist"]
    tests += ["-m", "cuda", "-n", "8", "-v", "-rs", "-p", "no:cacheprovider", "tests/cuda"]
    run = [*HARNESS, "run", "--db", str(out / "gpu.sqlite"), "specs/gpu.yaml"]
    run += ["--set", "measure.max_rounds=3"]  # more would be more certain, and take half an hour
    show = [*HARNESS, "show", "--db", str(out / "gpu.sqlite")]
    return [
        Step("driver", ["nvidia-smi"]),
        Step("doctor", [*HARNESS, "doctor"]),
        Step("tests", tests, share=0.5),
        Step("cuda", [*run, "--only", "hardware=cuda"], share=0.95),
        Step("local", run, share=0.9),
        Step("results", show),
    ]


def main(out: Path, minutes: float) -> int:
    """Do them all."""
    out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * minutes
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # of what else is installed there
    }
    failed = []
    for step in steps(out):
        left = end - time.monotonic()
        ended = _done(step, max(LEAST, left * step.share), out, environment)
        print(f"{step.name}: {ended}", flush=True)
        if ended != "ok":
            failed.append(step.name)
    print(f"failed: {', '.join(failed)}" if failed else "all steps passed")
    return 1 if failed else 0


def _done(step: Step, seconds: float, out: Path, environment: dict[str, str]) -> str:
    """How it ended. A step out of time is interrupted, as by Ctrl-C, and keeps what it has."""
    begin = time.monotonic()
    with (out / f"{step.name}.log").open("w") as log:
        try:
            process = subprocess.Popen(
                step.command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        except OSError as error:
            return str(error)
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
            return f"cut off after {time.monotonic() - begin:.0f} s"
    return "ok" if code == 0 else f"exit code {code} after {time.monotonic() - begin:.0f} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for logs and results")
    parser.add_argument("--minutes", type=float, default=8.0)
    given = parser.parse_args()
    sys.exit(main(given.out.resolve(), given.minutes))
