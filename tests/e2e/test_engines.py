"""Lightning, Horovod and Spark, each proved against one process, and what goes wrong in each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import Harness

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]

SPEC = """\
name: engines
matrix:
  model: {{layers: 4, d_model: 32, heads: 4, vocab: 67, context: 64}}
  scenario: {scenario}
  parallelism:
    - {parallelisms}
workload: {{batch: 8, prompt: 32, generate: 4}}
measure: {{rounds: 1, max_rounds: 1, round_time: 1ms, samples: 2, {quality}ceiling: false}}
limits: {{timeout: {timeout}}}
"""
CELLS = [
    "data: 2, engine: lightning",
    "data: 4, engine: lightning, accumulate: 2, recompute: full",
    "shard: 2, engine: lightning, accumulate: 2",
    "shard: 4, engine: lightning",
    "tensor: 2, engine: lightning",
    "tensor: {degree: 4, sequence: true}, engine: lightning",
    "shard: 2, tensor: 2, engine: lightning",
    "data: 2, engine: horovod",
    "data: 4, engine: horovod, accumulate: 2, recompute: full",
    "data: 2, engine: spark",
    "shard: 2, pipeline: {degree: 2, microbatches: 2}, engine: spark",
]


def write(folder: Path, cells: list[str], **given: str) -> None:
    """The spec of these cells, none of which minds how many cores there are."""
    lines = "\n    - ".join(f"{{{one}, oversubscribe: true}}" for one in cells)
    usual = {"scenario": "train", "quality": "", "timeout": "2m"}
    text = SPEC.format(parallelisms=lines, **{**usual, **given})
    (folder / "s.yaml").write_text(text)


def told(harness: Harness) -> dict[str, Any]:
    """The results by parallelism, without the mark that all bear."""
    results = harness("show", "--format", "json").json["results"]
    return {
        " + ".join(without(one["axes"]["parallelism"], "oversubscribe")): one for one in results
    }


def without(label: str, mark: str) -> list[str]:
    """The parts of a label but that one."""
    return [part for part in label.split(" + ") if part != mark]


def sent(one: Any) -> float:
    """Bytes that a rank hands over in a step."""
    value: float = one["metrics"]["sent_bytes"]["value"]
    return value


def test_each_computes_what_one_process_computes(harness: Harness, tmp_path: Path) -> None:
    """Losses, norms of gradients and parameters over three steps; and sends what torch sends."""
    write(tmp_path, [*CELLS, "data: 2", "shard: 4", "tensor: 2"])
    done = harness("run", "s.yaml", timeout=800)
    results = told(harness)
    assert done.code == 0, {name: one["reason"] for name, one in results.items()}
    assert len(results) == len(CELLS) + 3
    for name, one in results.items():
        assert one["metrics"]["split_error"]["value"] <= 1e-4, name
    for engine in ("lightning", "horovod", "spark"):
        assert sent(results[f"data=2 + engine={engine}"]) == sent(results["data=2"])
    for way in ("shard=4", "tensor=2"):
        assert sent(results[f"engine=lightning + {way}"]) == sent(results[way])
    # Gradients of several passes go out once.
    for engine in ("lightning", "horovod"):
        name = f"accumulate=2 + data=4 + engine={engine} + recompute=full"
        assert sent(results[name]) == sent(results["data=2"])
    assert results["data=2 + engine=spark"]["metrics"]["launch_time"]["value"] > 1


def test_spark_starts_what_serves(harness: Harness, tmp_path: Path) -> None:
    """On a standalone cluster, of a master and a worker of its own."""
    cell = "tensor: 2, engine: {name: spark, master: standalone}"
    write(tmp_path, [cell], scenario="generate")
    assert harness("run", "s.yaml", timeout=400).code == 0
    (one,) = told(harness).values()
    assert one["metrics"]["split_error"]["value"] <= 1e-4


@pytest.mark.parametrize("engine", ["lightning", "horovod", "spark"])
def test_trouble_of_one_rank_is_told_by_its_number(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path, engine: str
) -> None:
    """Within the limit, and nothing stays behind."""
    env["PYTHONPATH"] = str(outside_package)
    seconds = 60 if engine == "spark" else 12
    cells = [f"data: 2, engine: {engine}, trouble: [raises, dies, hangs]"]
    write(tmp_path, cells, quality="quality: false, ", timeout=f"{seconds}s")
    assert harness("run", "s.yaml", timeout=300).code == 1
    found = {name.split("trouble=")[1]: one for name, one in told(harness).items()}
    expected = {
        "raises": ("failed", "rank 1: ValueError: mischief managed"),
        "dies": ("crashed", "rank 1: died by SIGKILL"),
        "hangs": ("timed out", f"the round took longer than {seconds} s: rank 1 stands in "),
    }
    for kind, (status, reason) in expected.items():
        assert found[kind]["status"] == status, kind
        assert found[kind]["reason"].startswith(reason), kind
    assert_nothing_is_left(env)


def test_nothing_of_spark_outlives_a_run_that_is_killed(
    env: dict[str, str], tmp_path: Path
) -> None:
    """Its Java machine and its ranks are no children of the harness's."""
    write(
        tmp_path, ["data: 2, engine: {name: spark, master: standalone}"], quality="quality: false, "
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "s.yaml"], cwd=tmp_path, env=env
    )
    deadline = time.monotonic() + 90
    while not any("train.py" in " ".join(words(one)) for one in ours(env)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert_nothing_is_left(env)


def assert_nothing_is_left(env: dict[str, str]) -> None:
    """Of processes that were started with this environment, a few seconds later."""
    deadline = time.monotonic() + 10
    while left := ours(env):
        assert time.monotonic() < deadline, [words(one) for one in left]
        time.sleep(0.2)


def ours(env: dict[str, str]) -> list[psutil.Process]:
    """Those that have the test's cache."""
    return [one for one in psutil.process_iter() if cache_of(one) == env["HARNESS_CACHE"]]


def cache_of(process: psutil.Process) -> str | None:
    """What the process was told of it."""
    try:
        return process.environ().get("HARNESS_CACHE")
    except psutil.Error:
        return None


def words(process: psutil.Process) -> list[str]:
    """Its command."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_master_that_is_not_there_is_told(harness: Harness, tmp_path: Path) -> None:
    cell = "data: 2, engine: {name: spark, master: 'spark://127.0.0.1:1'}"
    write(tmp_path, [cell], quality="quality: false, ", timeout="90s")
    assert harness("run", "s.yaml", timeout=200).code == 1
    (one,) = told(harness).values()
    assert one["status"] in {"failed", "timed out"}
    assert "spark" in one["reason"]


@pytest.mark.parametrize("name", ["lightning", "horovod", "spark"])
def test_what_ranks_need_is_imported_before_they_start(name: str) -> None:
    """In a process of its own, which has none of it yet."""
    code = (
        "import sys; from harness import engines; engine = engines.registry[sys.argv[1]]; "
        "assert engine.package not in sys.modules; engine().preload(); "
        "sys.exit(not {engine.package, *engine.modules} <= {*sys.modules})"
    )
    subprocess.run([sys.executable, "-c", code, name], check=True)


def test_lightnings_own_word_for_what_it_cannot_do() -> None:
    """The reason that a cell gives is the one that Fabric raises."""
    from lightning.fabric import Fabric

    from harness.engines.lightning import NO_FSDP

    with pytest.raises(ValueError, match=NO_FSDP):
        Fabric(accelerator="cpu", devices=2, strategy="fsdp")


def test_horovods_own_word_for_what_it_cannot_do() -> None:
    """In a process of its own: Horovod is started once a process."""
    from harness.engines.horovod import NO_BF16

    code = (
        "import torch, horovod.torch as hvd; hvd.init(); "
        "hvd.allreduce(torch.ones(2, dtype=torch.bfloat16))"
    )
    env = {**os.environ, "HOROVOD_CONTROLLER": "gloo", "HOROVOD_CPU_OPERATIONS": "gloo"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode
    assert NO_BF16 in done.stderr


def test_the_version_of_the_engine_is_kept(harness: Harness, tmp_path: Path) -> None:
    """On the cell's page: it bears on the speed."""
    from lightning import __version__

    write(tmp_path, ["data: 2, engine: lightning"], quality="quality: false, ")
    assert harness("run", "s.yaml", timeout=200).code == 0
    harness("site")
    pages = (tmp_path / "results").rglob("*.html")
    assert any(f"lightning {__version__}" in page.read_text() for page in pages)
