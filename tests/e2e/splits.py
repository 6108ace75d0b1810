"""What tests of split cells share: a small model, its results by how it is split, and processes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.host.machine import this_host
from tests.conftest import Harness

SPEC = """\
name: split
matrix:
  model: {{layers: 4, d_model: 32, heads: 4, vocab: 67, context: 64}}
  hardware: {hardware}
  scenario: {scenario}
  parallelism:
    - {parallelisms}
workload: {{batch: 8, prompt: 32, generate: 4}}
measure: {{rounds: 1, max_rounds: 1, round_time: 1ms, samples: 2, {quality}ceiling: false}}
limits: {{timeout: {timeout}}}
"""
GPUS = len(this_host().gpus)
NEEDS_GPUS = pytest.mark.skipif(GPUS < 2, reason=f"this host has {GPUS} GPUs, of two needed")
UNPROVED = {"quality": "quality: false, "}


def write(folder: Path, cells: list[str], **given: str) -> None:
    """The spec s.yaml of these cells, none of which minds how many cores there are."""
    usual = {"hardware": "local", "scenario": "train", "quality": "", "timeout": "4m"}
    told = {**usual, **given}
    mark = ", oversubscribe: true" if told["hardware"] == "local" else ""
    lines = "\n    - ".join(f"{{{one}{mark}}}" for one in cells)
    (folder / "s.yaml").write_text(SPEC.format(parallelisms=lines, **told))


def results(harness: Harness) -> dict[str, Any]:
    """By how each was split, without the mark that all bear."""
    mark = "oversubscribe"
    return {
        " + ".join(part for part in one["axes"]["parallelism"].split(" + ") if part != mark): one
        for one in harness("show", "--format", "json").json["results"]
    }


def on_gpus(cells: list[str]) -> list[str]:
    """Those that this host has GPUs enough for."""
    degrees = re.compile(r"(?:data|shard|tensor|pipeline): (?:{degree: )?(\d)")
    return [one for one in cells if prod(map(int, degrees.findall(one))) <= GPUS]


def assert_proved(found: Mapping[str, Any], count: int) -> None:
    """Each ran, and computes what one process computes."""
    assert len(found) == count
    for name, one in found.items():
        assert one["status"] == "ok", (name, one["reason"])
        assert one["metrics"]["split_error"]["value"] <= 1e-4, name


def assert_two_at_once(env: Mapping[str, str], folder: Path, cells: list[str]) -> None:
    """Two runs of the same cells, each in a folder of its own, do not know of each other."""
    command = [sys.executable, "-m", "harness", "run", "s.yaml", "--db", "r.sqlite"]
    runs = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        write(folder / name, cells, **UNPROVED)
        runs.append(subprocess.Popen(command, cwd=folder / name, env=dict(env)))
    assert [one.wait(timeout=400) for one in runs] == [0, 0]


def of_test(env: Mapping[str, str]) -> Iterator[psutil.Process]:
    """The processes that were started with this environment."""
    for one in psutil.process_iter():
        try:
            if one.environ().get("HARNESS_CACHE") == env["HARNESS_CACHE"]:
                yield one
        except psutil.Error:  # it has ended, or is another user's
            continue


def commands(env: Mapping[str, str]) -> list[str]:
    """What they run."""
    found = []
    for one in of_test(env):
        try:
            found.append(" ".join(one.cmdline()))
        except psutil.Error:
            continue
    return found
