"""`harness run` with a real tiny model in real processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

QUICK = """\
measure:
  {rounds: 2, max_rounds: 2, samples: 3, max_samples: 20, round_time: 10ms, ceiling: false}
"""

ONCE = QUICK.replace("ounds: 2", "ounds: 1")

ALL_AXES = f"""\
# Does everything run?
name: everything
baseline: {{compression: none, precision: fp32}}
prices: {{local: 0.10}}
matrix:
  model: [nano]
  scenario: [prefill, decode, generate, train]
  compression: [none, int8-dynamic]
  operator: [sdpa, math]
  precision: [fp32, bf16]
include: [{{parallelism: {{data: 2}}, scenario: [prefill, decode, generate, train]}}]
workload: {{batch: [2], prompt: 16, generate: 4}}
{QUICK}"""

ARCHITECTURES = f"""\
name: architectures
matrix:
  model:
    - nano
    - {{name: nano, architecture: encoder}}
    - {{name: nano, architecture: encoder-decoder, decoder_layers: 1, readout: [sequence, concat]}}
  scenario: [prefill, decode, generate, train]
workload: {{batch: [2], prompt: 16, generate: 4}}
include:
  - {{model: {{name: nano, architecture: encoder-decoder}}, parallelism: {{data: 2}}, scenario: [decode, train]}}
  - {{model: {{name: nano, architecture: encoder-decoder}}, compression: int8-dynamic}}
  - {{model: {{name: nano, architecture: encoder}}, precision: bf16, operator: math}}
{ONCE}"""

TROUBLE = f"""\
name: trouble
matrix:
  model: [nano]
  scenario: [prefill]
  operator: [sdpa, raises, hangs, segfaults, hogs, outside-sdpa]
workload: {{batch: [1], prompt: 16}}
limits: {{timeout: 10s, memory: 1500MiB}}
{ONCE}"""


@pytest.mark.thorough
def test_every_axis_is_measured_and_what_cannot_be_says_why(
    harness: Harness, tmp_path: Path
) -> None:
    """All four scenarios, both operators and precisions, int8 and two processes."""
    (tmp_path / "all.yaml").write_text(ALL_AXES)
    answer = harness("run", "all.yaml")
    assert answer.code == 0, answer.err
    results = harness("show", "--format", "json").json["results"]
    statuses = dict.fromkeys(("ok", "unsupported"), 0)
    for one in results:
        statuses[one["status"]] += 1
        assert one["status"] == "ok" or one["reason"], one
    # int8 kernels take fp32 activations and give no gradients:
    # of 36 cells the 8 with int8 in bf16, and 2 more that train, cannot be.
    assert statuses == {"ok": 26, "unsupported": 10}
    expected = {
        "prefill": {"latency", "tokens_per_second"},
        "decode": {"tpot", "tokens_per_second"},
        "generate": {"ttft", "tpot", "latency", "tokens_per_second"},
        "train": {"latency", "tokens_per_second"},
    }
    always = {"peak_memory", "load_memory", "model_bytes", "load_time", "parameters", "flops"}
    always |= {"cost_per_million_tokens"}
    infers = {"arithmetic_intensity", "state_bytes"}  # what training moves is not counted
    # Replicas send each other nothing, answer to the bit like one, and may be ready together.
    may_be_none = {"sent_bytes", "collectives", "split_error", "load_imbalance", "page_faults"}
    for one in results:
        if one["status"] == "ok":
            trains = one["axes"]["scenario"] == "train"
            wanted = expected[one["axes"]["scenario"]] | always | (set() if trains else infers)
            assert wanted <= set(one["metrics"]), one["axes"]
            values = {name: metric["value"] for name, metric in one["metrics"].items()}
            assert all(value > 0 for name, value in values.items() if name not in may_be_none), one
            headline = one["metrics"]["tokens_per_second"]
            assert headline["rounds"] == 2
            assert headline["samples"] >= 6
            dense = one["axes"]["compression"] == "none" and one["axes"]["precision"] == "fp32"
            assert ("logit_error" in one["metrics"]) is not dense
    again = harness("run", "all.yaml")
    assert again.code == 0
    assert "26 to reuse" in again.err
    site = harness("site")
    assert site.code == 0, site.err


@pytest.mark.thorough
def test_every_architecture_is_measured_or_says_why_not(harness: Harness, tmp_path: Path) -> None:
    """In all four scenarios; also split over processes, compressed and in half precision."""
    (tmp_path / "architectures.yaml").write_text(ARCHITECTURES)
    answer = harness("run", "architectures.yaml")
    assert answer.code == 0, answer.err
    results = harness("show", "--format", "json").json["results"]
    assert len(results) == 20
    refused = {one["axes"]["scenario"]: one["reason"] for one in results if one["status"] != "ok"}
    assert refused == {
        scenario: f"an encoder produces embeddings, not tokens: it has no {scenario}"
        for scenario in ("decode", "generate")
    }
    for one in results:
        if one["status"] == "ok":
            assert one["metrics"]["tokens_per_second"]["value"] > 0
            plain = one["axes"]["compression"] == "none" and one["axes"]["precision"] == "fp32"
            error = one["metrics"].get("logit_error", {"value": 0.0})["value"]
            assert (0 < error < 0.1) is not plain, one["axes"]


def test_trouble_becomes_a_status_of_its_own_while_the_others_finish(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path
) -> None:
    """An outside package's operators: one honest, one that raises, hangs, crashes, hogs."""
    env["PYTHONPATH"] = str(outside_package)
    (tmp_path / "trouble.yaml").write_text(TROUBLE)
    answer = harness("run", "trouble.yaml")
    assert answer.code == 1, answer.err
    document = harness("show", "--format", "json").json
    found = {one["axes"]["operator"]: (one["status"], one["reason"]) for one in document["results"]}
    assert found.pop("sdpa") == ("ok", "")
    assert found.pop("outside-sdpa") == ("ok", "")
    assert found.pop("raises") == ("failed", "ValueError: mischief managed")
    assert found.pop("hangs") == ("timed out", "the round took longer than 10 s")
    assert found.pop("segfaults") == ("crashed", "died by SIGSEGV")
    status, reason = found.pop("hogs")
    assert status == "out of memory"
    assert "limit of 1.46 GiB" in reason
    assert not found


def test_energy_is_measured_or_said_not_to_be(harness: Harness, tmp_path: Path) -> None:
    """By the hardware's counter, or with the reason that doctor tells, too."""
    (tmp_path / "metered.yaml").write_text(
        "name: metered\nmatrix: {model: nano, scenario: prefill}\nworkload: {prompt: 16}\n"
        + ONCE.replace("samples: 3", "samples: 3, energy: true")
    )
    assert harness("run", "metered.yaml").code == 0
    counters = harness("doctor", "--format", "json").json["energy"]["processor"]
    (one,) = harness("show", "--format", "json").json["results"]
    told = one["not_measured"].get("energy_per_token", "")
    if counters.startswith("not measurable here"):
        assert told == counters
    else:  # a round of milliseconds is too short for any counter
        assert "too short" in told
    assert "energy_per_token" not in one["metrics"]


def test_cold_caches_are_a_cell_of_their_own(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "cold.yaml").write_text(
        "name: cold\nmatrix: {model: nano, scenario: "
        "[prefill, {name: prefill, cold: true}, {name: decode, cold: true}]}\n"
        f"workload: {{prompt: 16, generate: 2}}\n{ONCE}"
    )
    answer = harness("run", "cold.yaml")
    assert answer.code == 0, answer.err
    found = {one["axes"]["scenario"] for one in harness("show", "--format", "json").json["results"]}
    assert found == {"prefill", "prefill(cold=True)", "decode(cold=True)"}


def test_failures_are_reused_until_asked_to_retry(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path
) -> None:
    """A result is a result; --retry-failed tries again, and the exit code stays honest."""
    env["PYTHONPATH"] = str(outside_package)
    (tmp_path / "trouble.yaml").write_text(TROUBLE)
    assert harness("run", "trouble.yaml", "--only", "operator=raises").code == 1
    again = harness("run", "trouble.yaml", "--only", "operator=raises")
    assert again.code == 1
    assert "1 to reuse" in again.err
    retried = harness("run", "trouble.yaml", "--only", "operator=raises", "--retry-failed")
    assert "1 to measure" in retried.err


LONG = """\
name: long
matrix:
  model: [nano]
  scenario: [prefill, decode]
workload: {batch: [1], prompt: 16, generate: 4}
measure:
  {rounds: 3, max_rounds: 3, samples: 3, max_samples: 100000, round_time: 400ms, ceiling: false}
"""


def start(folder: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    """A run in the background."""
    return subprocess.Popen(
        [sys.executable, "-m", "harness", "run", "long.yaml", "-v"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def rounds_in(database: Path) -> int:
    """Rounds stored so far."""
    if not database.exists():
        return 0
    try:
        with sqlite3.connect(database) as connection:
            (count,) = connection.execute("select count(*) from round").fetchone()
    except sqlite3.OperationalError:  # the tables are not made yet
        return 0
    return int(count)


def wait_for_rounds(run: subprocess.Popen[str], database: Path, count: int) -> None:
    """Until so many are stored."""
    while rounds_in(database) < count:
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.02)


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those still alive after some seconds."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    return alive


@pytest.mark.parametrize("rounds", [0, 2, pytest.param(5, marks=pytest.mark.thorough)])
def test_a_run_killed_at_any_moment_goes_on_and_leaves_no_orphan(
    harness: Harness, env: dict[str, str], tmp_path: Path, rounds: int
) -> None:
    """SIGKILL, at the start, in the middle, near the end: no stored round is lost."""
    (tmp_path / "long.yaml").write_text(LONG)
    database = tmp_path / "results" / "harness.sqlite"
    run = start(tmp_path, env)
    wait_for_rounds(run, database, rounds)
    family = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.communicate()
    assert wait_until_gone(family) == []
    kept = rounds_in(database)
    assert kept >= rounds
    answer = harness("run", "long.yaml")
    assert answer.code == 0, answer.err
    assert rounds_in(database) == 6  # 2 cells, 3 rounds: none lost, none measured twice
    statuses = {one["status"] for one in harness("show", "--format", "json").json["results"]}
    assert statuses == {"ok"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_fork_server_that_others_end_or_stop_costs_no_cell(
    harness: Harness, env: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    """What the harness itself lost is measured again, at once; a stopped server is woken."""
    (tmp_path / "long.yaml").write_text(LONG)
    database = tmp_path / "results" / "harness.sqlite"
    run = start(tmp_path, env)
    wait_for_rounds(run, database, 2)
    for server in psutil.Process(run.pid).children():
        server.send_signal(how)
    out, _ = run.communicate(timeout=120)
    assert run.returncode == 0, out
    assert rounds_in(database) == 6
    results = harness("show", "--format", "json").json["results"]
    assert [one["status"] for one in results] == ["ok"] * 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_stopped_politely_says_how_to_go_on(
    env: dict[str, str], tmp_path: Path, how: signal.Signals
) -> None:
    """Exit code 130, what is measured kept, no process left."""
    (tmp_path / "long.yaml").write_text(LONG)
    database = tmp_path / "results" / "harness.sqlite"
    run = start(tmp_path, env)
    wait_for_rounds(run, database, 2)
    family = psutil.Process(run.pid).children(recursive=True)
    os.kill(run.pid, how)
    out, _ = run.communicate(timeout=30)
    assert run.returncode == 130, out
    assert "the same command continues" in out
    assert "Traceback" not in out
    assert wait_until_gone(family) == []
    assert rounds_in(database) >= 2


def test_a_second_commit_gives_the_history_a_second_point(harness: Harness, tmp_path: Path) -> None:
    """The commit is that of the repository that `--repo` names."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "spec.yaml").write_text(
        f"matrix: {{model: nano, scenario: prefill}}\nworkload: {{prompt: 16}}\n{ONCE}"
    )
    git("init", "-q")
    git("add", "spec.yaml")
    git("commit", "-qm", "First")
    assert harness("run", "spec.yaml", "--repo=.").code == 0
    git("commit", "-qm", "Second", "--allow-empty")
    assert harness("run", "spec.yaml", "--repo=.").code == 0
    every = harness("show", "--all", "--format", "json").json["results"]
    assert len({one["provenance"]["commit"] for one in every}) == 2
    assert len({one["cell"] for one in every}) == 1
    newest = harness("show", "--format", "json").json["results"]
    assert len(newest) == 1
    assert not newest[0]["provenance"]["dirty"]


# Activations of 4 MiB, which glibc by default maps anew in some rounds and in others not. The heap
# grows in the first iterations, so that a busy machine must not cut the others short.
MAPPED = """\
name: mapped
matrix:
  model: {layers: 1, d_model: 256, heads: 4, vocab: 512, context: 128}
  scenario: prefill
  compression: [none, magnitude]
workload: {batch: 8, prompt: 128}
measure: {rounds: 3, max_rounds: 3, round_time: 400ms, samples: 40, quality: false, ceiling: false}
"""


def test_no_round_maps_its_activations_anew(harness: Harness, tmp_path: Path) -> None:
    """Neither the first nor a later one, whether its model was built or loaded from a file."""
    (tmp_path / "mapped.yaml").write_text(MAPPED)
    assert harness("run", "mapped.yaml").code == 0
    with sqlite3.connect(tmp_path / "results" / "harness.sqlite") as connection:
        rows = connection.execute("select value from fact where name = 'page_faults'").fetchall()
    assert len(rows) == 6
    assert max(value for (value,) in rows) < 100  # 1,024 for one block of activations
