"""`harness run` and `harness ceiling` on a real GPU, through the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.host.machine import this_host

if TYPE_CHECKING:
    from tests.conftest import Harness

pytestmark = pytest.mark.cuda

GPUS = len(this_host().gpus)
BRIEF = "{rounds: 2, max_rounds: 2, samples: 3, max_samples: 20, round_time: 20ms, ceiling: false}"


def spec(matrix: str, measure: str = BRIEF, more: str = "") -> str:
    """On the first GPU."""
    return f"name: gpu\nmatrix:\n  hardware: cuda\n  {matrix}\nmeasure: {measure}\n{more}"


def run(harness: Harness, folder: Path, text: str, *options: str) -> tuple[int, list[Any]]:
    """Exit code and results of a spec."""
    (folder / "s.yaml").write_text(text)
    answer = harness("run", "s.yaml", *options)
    shown = harness("show", "--format", "json")
    assert shown.code == 0, answer.err + shown.err
    found: list[Any] = shown.json["results"]
    return answer.code, found


def test_every_scenario_and_precision(harness: Harness, tmp_path: Path) -> None:
    """Each with its speed, its memory on the GPU, and the distance from the fp32 model."""
    scenarios = "[prefill, decode, generate, train]"
    text = spec(
        f"model: nano\n  scenario: {scenarios}\n  operator: [sdpa, flex, treenn]",
        BRIEF.replace("ounds: 2", "ounds: 1"),
        "workload: {batch: 2, prompt: 32, generate: 4}\n"
        f"include: [{{model: nano, hardware: cuda, scenario: {scenarios}, precision: bf16}}]\n",
    )
    code, found = run(harness, tmp_path, text)
    for one in found:
        assert one["status"] == "ok", (one["axes"], one["reason"])
        metrics = one["metrics"]
        assert metrics["peak_reserved"]["value"] >= metrics["peak_allocated"]["value"] > 0
        if one["axes"]["precision"] == "bf16" and one["axes"]["scenario"] != "train":
            assert metrics["logit_error"]["value"] < 0.1, one["axes"]
    assert code == 0
    assert len(found) == 16


def test_compressions_run_or_say_why_not(harness: Harness, tmp_path: Path) -> None:
    """With real kernels where there are some for GPUs, and a reason where there are none."""
    shape = "{layers: 2, d_model: 128, heads: 4, vocab: 256, context: 128}"
    works = ["fp8", "{name: '2:4', kernel: true}", "magnitude", "kv-int8", "svd", "heads"]
    refuses = ["int8-dynamic", "int4-weight-only"]
    code, found = run(
        harness,
        tmp_path,
        spec(
            f"model: {shape}\n  scenario: [prefill, decode]\n  precision: bf16\n"
            f"  compression: [{', '.join([*works, *refuses])}]",
            more="workload: {batch: 2, prompt: 32, generate: 4}\n",
        ),
    )
    assert code == 0
    assert len(found) == 16
    for one in found:
        refused = one["axes"]["compression"].split("(")[0] in refuses
        assert one["status"] == ("unsupported" if refused else "ok"), (one["axes"], one["reason"])


def test_what_does_not_fit_is_out_of_memory(harness: Harness, tmp_path: Path) -> None:
    """The cell, not the run: the one behind it is measured."""
    shape = "{layers: 2, d_model: 64, heads: 2, vocab: 50000, context: 1024}"
    code, found = run(
        harness,
        tmp_path,
        spec(
            f"model: {shape}\n  scenario: train",
            more="workload: {batch: [4096, 1], prompt: 1024}\n",
        ),
    )
    told = {one["workload"]["batch"]: one["status"] for one in found}
    assert told == {4096: "out of memory", 1: "ok"}, found
    assert code == 1


def test_gpus_that_are_not_there_are_unsupported(harness: Harness, tmp_path: Path) -> None:
    text = spec(
        f"model: nano\n  scenario: train\n  parallelism: [none, {{data: {GPUS + 1}}}]",
        more=f"workload: {{batch: {GPUS + 1}, prompt: 16}}\n"
        f"include: [{{model: nano, scenario: train, hardware: {{device: cuda, index: {GPUS}}}}}]\n",
    )
    code, found = run(harness, tmp_path, text)
    reasons = sorted(one["reason"] for one in found if one["status"] == "unsupported")
    assert [one["status"] for one in found].count("ok") == 1, found
    assert len(reasons) == 2
    assert any(f"this host has {GPUS}" in one for one in reasons)
    assert code == 0


def test_ceilings_are_found_and_quoted(harness: Harness, tmp_path: Path) -> None:
    answer = harness("ceiling", "--hardware", "cuda", "--seconds", "0.3", "--format", "json")
    assert answer.code == 0, answer.err
    measured = {
        one["name"]: one["value"] for one in answer.json["ceilings"] if one["kind"] == "measured"
    }
    formats = {f"gemm_{one}" for one in ("fp32", "tf32", "bf16", "fp16", "int8", "fp8")}
    assert formats | {"memory_read", "memory_copy"} <= measured.keys()
    text = spec(
        "model: nano\n  scenario: [prefill, decode]\n  precision: [fp32, bf16]",
        BRIEF.replace(", ceiling: false", ""),
        "workload: {prompt: 32, generate: 4}\n",
    )
    code, found = run(harness, tmp_path, text)
    assert code == 0
    for one in found:
        share = {"prefill": "mfu", "decode": "mbu"}[one["axes"]["scenario"]]
        assert 0 < one["metrics"][share]["value"] < 1
        assert 0 < one["metrics"]["roofline_share"]["value"] <= 1.05


def test_cold_rounds_and_the_plan(harness: Harness, tmp_path: Path) -> None:
    """L2 is emptied before each timed piece of work."""
    scenarios = "[{name: prefill, cold: true}, {name: decode, cold: true}]"
    text = spec(f"model: nano\n  scenario: {scenarios}", more="workload: {prompt: 32}\n")
    (tmp_path / "s.yaml").write_text(text)
    plan = harness("plan", "s.yaml", "--format", "json")
    assert plan.code == 0, plan.err
    code, found = run(harness, tmp_path, text)
    assert code == 0
    assert {one["status"] for one in found} == {"ok"}


def test_a_killed_run_leaves_nothing_on_the_gpu(env: Mapping[str, str], tmp_path: Path) -> None:
    """Its round computes on it; once the parent is killed, none of its processes is left."""
    measure = "{rounds: 1, max_rounds: 1, round_time: 2m, ceiling: false, quality: false}"
    (tmp_path / "s.yaml").write_text(
        spec("model: nano\n  scenario: decode", measure, "workload: {prompt: 16}\n")
    )
    command = [sys.executable, "-m", "harness", "run", "s.yaml"]
    parent = subprocess.Popen(command, cwd=tmp_path, env=dict(env))
    until = time.monotonic() + 90
    while not (before := _on_gpu(parent.pid)) and time.monotonic() < until:
        time.sleep(0.5)
    assert before, "no round came to compute on the GPU"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(before, timeout=30)
    assert alive == []


def _on_gpu(parent: int) -> list[psutil.Process]:
    """Descendants of the process that hold the driver's device open."""
    found = []
    for one in psutil.Process(parent).children(recursive=True):
        try:
            held = {str(link.readlink()) for link in Path(f"/proc/{one.pid}/fd").iterdir()}
        except OSError:  # it has ended
            continue
        if "/dev/nvidia0" in held:
            found.append(one)
    return found
