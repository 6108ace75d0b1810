"""Whole nights on throw-away repositories: a planted regression is found, and nothing else is.

Most of a step of the model is a wait, which takes the same time on a busy machine: arithmetic on
a shared virtual machine moves by more than 10 % from process to process, and nights on it end
VOID, as they should. All else is real: commits, environments, processes, pairs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Answer, Harness

pytestmark = [pytest.mark.nights, pytest.mark.timeout(1500)]

CODE = """\
import time

import torch
from torch import nn

STEPS = {steps}


class Tiny(nn.Module):
    def __init__(self, vocab, width):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.inner = nn.Linear(width, width)
        self.head = nn.Linear(width, vocab)

    def forward(self, ids):
        hidden = self.embedding(ids)
        for _ in range(STEPS):
            time.sleep(0.002)
            hidden = torch.tanh(self.inner(hidden))
        return self.head(hidden)


def tiny(vocab, context, width=16):
    return Tiny(vocab, width)
"""
SPEC = """\
# Is my model still as fast as it was?
subject: {repo: repo, install: []}
matrix:
  model: {factory: "tinylm:tiny", vocab: 256, context: 128}
  scenario: prefill
workload: {batch: 4, prompt: 128}
measure: {rounds: 3, max_rounds: 3, round_time: 300ms, quality: false, ceiling: false}
"""
COMMITS, PLANTED = 15, 9


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, planted: int | None) -> list[str]:
    """The shas of 15 commits; from the planted one on, the model does 30 % more work."""
    (folder / "tinylm").mkdir(parents=True)
    git(folder, "init", "-q")
    shas = []
    for number in range(1, COMMITS + 1):
        steps = 26 if planted is not None and number >= planted else 20
        (folder / "tinylm" / "__init__.py").write_text(CODE.format(steps=steps))
        (folder / "CHANGES").write_text(f"{number}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", f"Change {number}")
        shas.append(git(folder, "rev-parse", "HEAD"))
    return shas


def night(harness: Harness) -> Answer:
    return harness("nightly", "spec.yaml", "--format", "json", "--report", "night.md", timeout=900)


def suspects(answer: Answer) -> list[dict[str, object]]:
    return [one for one in answer.json["confirmations"] if one["role"] == "suspect"]


def test_a_planted_regression_is_seen_proved_and_found(harness: Harness, tmp_path: Path) -> None:
    """By the history, the night, a second night, the comparison, the gate, and the bisection."""
    shas = repository(tmp_path / "repo", PLANTED)
    (tmp_path / "spec.yaml").write_text(SPEC)
    filled = harness("backfill", "HEAD~14..HEAD", "spec.yaml", timeout=900)
    assert filled.code == 0, filled.err
    again = harness("backfill", "HEAD~14..HEAD", "spec.yaml")
    assert "tokens_per_second" not in again.err  # nothing was measured twice

    listed = harness("changes", "list", "--format", "json").json["changes"]
    (change,) = [one for one in listed if one["metric"] == "tokens_per_second"]
    assert change["commit"] == shas[PLANTED - 1]
    assert change["worse"]

    first = night(harness)
    assert first.code == 3, first.out + first.err
    (found,) = suspects(first)
    assert (found["verdict"], found["worse"], found["accepted"]) == ("confirmed", True, False)
    assert found["base"] == shas[PLANTED - 2]
    assert "1 regression confirmed" in (tmp_path / "night.md").read_text()

    second = night(harness)
    assert second.code == 3, second.out + second.err
    (found,) = suspects(second)
    assert (found["verdict"], found["accepted"]) == ("confirmed", True)
    third = night(harness)
    assert third.code == 0, third.out + third.err  # the slower level is the accepted one now
    assert [one for one in suspects(third) if one["verdict"] == "confirmed"] == []

    compared = harness("compare", shas[1], shas[-1], "--repo", "repo", "--format", "json")
    (row,) = compared.json["rows"]
    assert row["verdict"] == "slower"

    cell = change["cell"]
    bisected = harness("bisect", cell, "HEAD~14", "HEAD", "--format", "json", timeout=900)
    assert bisected.code == 0, bisected.out + bisected.err
    assert bisected.json["culprit"] == shas[PLANTED - 1]
    resumed = harness("bisect", cell, "HEAD~14", "HEAD", "--format", "json")
    assert resumed.json["culprit"] == shas[PLANTED - 1]

    gated = harness("gate", "HEAD~14", "spec.yaml", "--format", "json", timeout=900)
    assert gated.code == 3, gated.out + gated.err
    assert harness("site").code == 0
    (page,) = (tmp_path / "results" / "site").rglob(f"*{cell}*.html")
    assert shas[PLANTED - 1][:10] in page.read_text()


def test_a_history_without_a_change_confirms_none(harness: Harness, tmp_path: Path) -> None:
    repository(tmp_path / "repo", None)
    (tmp_path / "spec.yaml").write_text(SPEC)
    filled = harness("backfill", "HEAD~14..HEAD", "spec.yaml", timeout=900)
    assert filled.code == 0, filled.err
    answer = night(harness)
    assert answer.code != 3, answer.out + answer.err
    assert [one for one in suspects(answer) if one["verdict"] == "confirmed"] == []


def test_a_killed_night_goes_on(tmp_path: Path, env: Mapping[str, str], harness: Harness) -> None:
    """Killed at several instants; the night that ends at last is the one that began."""
    repository(tmp_path / "repo", None)
    (tmp_path / "spec.yaml").write_text(SPEC)
    command = [sys.executable, "-m", "harness", "nightly", "spec.yaml"]
    for seconds in (1.0, 4.0, 7.0, 12.0):
        running = subprocess.Popen(
            command, cwd=tmp_path, env=dict(env), start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(seconds)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    answer = night(harness)
    assert answer.code == 0, answer.out + answer.err
    assert answer.json["night"]["state"] == "done"
    assert answer.json["night"]["id"] == 1


def test_a_second_night_says_who_holds_the_lock(
    tmp_path: Path, env: Mapping[str, str], harness: Harness
) -> None:
    repository(tmp_path / "repo", None)
    (tmp_path / "spec.yaml").write_text(SPEC)
    first = subprocess.Popen(
        [sys.executable, "-m", "harness", "nightly", "spec.yaml"],
        cwd=tmp_path, env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        lock = tmp_path / "cache" / "night.lock"
        deadline = time.monotonic() + 60
        while not (lock.exists() and lock.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        second = harness("nightly", "spec.yaml")
        assert second.code == 2
        assert f"process {first.pid}" in second.err
        assert "harness nightly spec.yaml" in second.err
    finally:
        first.terminate()
        first.wait(60)


def test_a_commit_that_cannot_be_installed_is_a_result(harness: Harness, tmp_path: Path) -> None:
    """Of a night, and of a backfill, which goes on with the next commit."""
    repository(tmp_path / "repo", None)
    copy = "import shutil, site; shutil.copytree('tinylm', site.getsitepackages()[0] + '/tinylm')"
    for code in (copy, "raise SystemExit('the compiler is missing')"):
        (tmp_path / "repo" / "build.py").write_text(code)
        git(tmp_path / "repo", "add", "-A")
        git(tmp_path / "repo", "commit", "-qm", "Change the build")
    installed = 'install: ["in-dir={build_dir} python build.py"]'
    (tmp_path / "spec.yaml").write_text(SPEC.replace("install: []", installed))
    answer = harness("nightly", "spec.yaml")
    assert answer.code == 1, answer.out + answer.err
    assert "nothing measured" in answer.out
    assert "the compiler is missing" in answer.out
    filled = harness("backfill", "HEAD~2..HEAD", "spec.yaml", timeout=900)
    assert filled.code == 1
    assert "1 of 2 commits measured, 1 could not be installed" in filled.out
    every = harness("show", "--all", "--format", "json").json["results"]
    assert sorted(one["status"] for one in every) == ["failed", "ok"]
    (broken,) = [one for one in every if one["status"] == "failed"]
    assert "the compiler is missing" in broken["reason"]
