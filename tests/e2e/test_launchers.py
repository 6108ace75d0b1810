"""Lightning, Horovod and Spark, each proved against one process, and what goes wrong in each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Harness
from tests.e2e.splits import (
    NEEDS_GPUS,
    UNPROVED,
    assert_proved,
    assert_two_at_once,
    commands,
    on_gpus,
    results,
    write,
)

pytestmark = [pytest.mark.launchers, pytest.mark.timeout(900)]

CELLS = [
    "data: 2, launcher: lightning",
    "data: 4, launcher: lightning, accumulate: 2, recompute: full",
    "shard: 2, launcher: lightning, accumulate: 2",
    "shard: 4, launcher: lightning",
    "tensor: 2, launcher: lightning",
    "tensor: {degree: 4, sequence: true}, launcher: lightning",
    "shard: 2, tensor: 2, launcher: lightning",
    "data: 2, launcher: horovod",
    "data: 4, launcher: horovod, accumulate: 2, recompute: full",
    "data: 2, launcher: spark",
    "shard: 2, pipeline: {degree: 2, microbatches: 2}, launcher: spark",
]


def sent(one: Any) -> float:
    """Bytes that a rank hands over in a step."""
    value: float = one["metrics"]["sent_bytes"]["value"]
    return value


def test_each_computes_what_one_process_computes(harness: Harness, tmp_path: Path) -> None:
    """Losses, norms of gradients and parameters over three steps; and sends what torch sends."""
    write(tmp_path, [*CELLS, "data: 2", "shard: 4", "tensor: 2"])
    done = harness("run", "s.yaml", timeout=800)
    assert done.code in {0, 1}, done.err
    found = results(harness)
    assert_proved(found, len(CELLS) + 3)
    for launcher in ("lightning", "horovod", "spark"):
        assert sent(found[f"data=2 + launcher={launcher}"]) == sent(found["data=2"])
    for way in ("shard=4", "tensor=2"):
        assert sent(found[f"launcher=lightning + {way}"]) == sent(found[way])
    # Gradients of several passes go out once.
    for launcher in ("lightning", "horovod"):
        name = f"accumulate=2 + data=4 + launcher={launcher} + recompute=full"
        assert sent(found[name]) == sent(found["data=2"])
    assert found["data=2 + launcher=spark"]["metrics"]["launch_time"]["value"] > 1


@NEEDS_GPUS
def test_each_but_horovod_takes_gpus(harness: Harness, tmp_path: Path) -> None:
    """One a rank."""
    cells = on_gpus([cell for cell in CELLS if "horovod" not in cell])
    write(tmp_path, cells, hardware="cuda")
    assert harness("run", "s.yaml", timeout=800).code in {0, 1}
    assert_proved(results(harness), len(cells))


def test_spark_starts_what_serves(harness: Harness, tmp_path: Path) -> None:
    """On a standalone cluster, of a master and a worker of its own."""
    cell = "tensor: 2, launcher: {name: spark, master: standalone}"
    write(tmp_path, [cell], scenario="generate")
    assert harness("run", "s.yaml", timeout=400).code == 0
    assert_proved(results(harness), 1)


@pytest.mark.parametrize("launcher", ["lightning", "horovod", "spark"])
def test_trouble_of_one_rank_is_told_by_its_number(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path, launcher: str
) -> None:
    """Within the limit, and nothing stays behind."""
    env["PYTHONPATH"] = str(outside_package)
    seconds = 120 if launcher == "spark" else 12  # its Java machines start within 70 s, if busy
    cells = [f"data: 2, launcher: {launcher}, trouble: [raises, dies, hangs]"]
    write(tmp_path, cells, **UNPROVED, timeout=f"{seconds}s")
    assert harness("run", "s.yaml", timeout=600).code == 1
    found = {name.split("trouble=")[1]: one for name, one in results(harness).items()}
    expected = {
        "raises": ("failed", "rank 1: ValueError: mischief managed"),
        "dies": ("crashed", "rank 1: died by SIGKILL"),
        "hangs": ("timed out", f"the round took longer than {seconds} s: rank 1 is at "),
    }
    for kind, (status, reason) in expected.items():
        assert found[kind]["status"] == status, kind
        assert found[kind]["reason"].startswith(reason), kind
    assert_nothing_is_left(env)


def test_nothing_of_spark_outlives_a_run_that_is_killed(
    env: dict[str, str], tmp_path: Path
) -> None:
    """Its Java machine and its ranks are no children of the harness's."""
    cell = "data: 2, launcher: {name: spark, master: standalone}"
    write(tmp_path, [cell], **UNPROVED)
    run = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "s.yaml"], cwd=tmp_path, env=env
    )
    deadline = time.monotonic() + 90
    while "train.py" not in (seen := "\n".join(commands(env))):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    for part in ("deploy.master.Master", "deploy.worker.Worker", "harness.launchers.spark_daemon"):
        assert part in seen
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert_nothing_is_left(env)


def assert_nothing_is_left(env: dict[str, str]) -> None:
    """Of processes that were started with this environment, a few seconds later."""
    deadline = time.monotonic() + 10
    while left := commands(env):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_sparks_daemon_learns_of_its_workers_ends() -> None:
    """Else their processor time would count as some other program's."""
    command = [sys.executable, "-m", "harness.launchers.spark_daemon", "pyspark.worker"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as daemon:
        deadline = time.monotonic() + 30
        while not caught(daemon.pid) & 1 << signal.SIGCHLD - 1:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def caught(pid: int) -> int:
    """The signals that the process handles, a bit each."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))


def test_two_runs_at_once_do_not_meet(env: dict[str, str], tmp_path: Path) -> None:
    """Neither Horovod's rendezvous nor Spark's master and its drivers have a port of their own."""
    spark = "data: 2, launcher: {name: spark, master: standalone}"
    assert_two_at_once(env, tmp_path, ["data: 2, launcher: horovod", spark])


def test_a_master_that_is_not_there_is_told(harness: Harness, tmp_path: Path) -> None:
    cell = "data: 2, launcher: {name: spark, master: 'spark://127.0.0.1:1'}"
    write(tmp_path, [cell], **UNPROVED)
    assert harness("run", "s.yaml", timeout=200).code == 1
    (one,) = results(harness).values()
    assert one["status"] == "failed"
    assert one["reason"] == "spark: no master answers at 127.0.0.1:1: Connection refused"


@pytest.mark.parametrize("name", ["lightning", "horovod", "spark"])
def test_what_ranks_need_is_imported_before_they_start(name: str) -> None:
    """In a process of its own, which has none of it yet."""
    code = (
        "import sys; from harness.launchers import registry; one = registry[sys.argv[1]]; "
        "assert one.package not in sys.modules; one().preload(); "
        "sys.exit(not {one.package, *one.modules} <= {*sys.modules})"
    )
    subprocess.run([sys.executable, "-c", code, name], check=True)


def test_lightnings_own_word_for_what_it_cannot_do() -> None:
    """The reason that a cell gives is the one that Fabric raises."""
    from lightning.fabric import Fabric

    from harness.launchers.lightning import NO_FSDP

    with pytest.raises(ValueError, match=NO_FSDP):
        Fabric(accelerator="cpu", devices=2, strategy="fsdp")


def test_horovods_own_word_for_what_it_cannot_do() -> None:
    """In a process of its own: Horovod is started once a process."""
    from harness.launchers.horovod import NO_BF16

    code = (
        "import torch, horovod.torch as hvd; hvd.init(); "
        "hvd.allreduce(torch.ones(2, dtype=torch.bfloat16))"
    )
    env = {**os.environ, "HOROVOD_CONTROLLER": "gloo", "HOROVOD_CPU_OPERATIONS": "gloo"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode
    assert NO_BF16 in done.stderr


def test_the_launchers_version_is_kept(harness: Harness, tmp_path: Path) -> None:
    """On the cell's page: it bears on the speed."""
    from lightning import __version__

    write(tmp_path, ["data: 2, launcher: lightning"], **UNPROVED)
    assert harness("run", "s.yaml", timeout=200).code == 0
    harness("site")
    pages = (tmp_path / "results").rglob("*.html")
    assert any(f"lightning {__version__}" in page.read_text() for page in pages)
