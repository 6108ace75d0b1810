"""Every way to split a model, and every two of them, proved against one process."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Harness
from tests.e2e.splits import (
    NEEDS_GPUS,
    assert_proved,
    assert_two_at_once,
    commands,
    on_gpus,
    results,
    write,
)

STRATEGIES = ("data", "shard", "tensor", "pipeline", "context")
PAIRS = [f"{one}: 2, {other}: 2" for one, other in combinations(STRATEGIES, 2)]
# Each strategy at least once; the other pairs are for the thorough tests.
FEW_PAIRS = [
    "data: 2, tensor: 2",
    "shard: 2, pipeline: 2",
    "tensor: 2, context: 2",
]
# By default it is 1f1b.
GPIPE, *SCHEDULES = [
    f"pipeline: {{degree: 2, schedule: {name}}}" for name in ("gpipe", "interleaved", "zero-bubble")
]


def run(harness: Harness, folder: Path, scenario: str, cells: list[str]) -> dict[str, Any]:
    """The results of one run over these, by how they are split."""
    write(folder, cells, scenario=scenario)
    done = harness("run", "s.yaml", timeout=290)
    assert done.code in {0, 1}, done.err
    return results(harness)


def test_training_split_in_one_way(harness: Harness, tmp_path: Path) -> None:
    """By every strategy."""
    cells = [
        *(f"{name}: 2" for name in STRATEGIES),
        "shard: 4",
        "recompute: selective, data: 2, accumulate: 2",
    ]
    found = run(harness, tmp_path, "train", cells)
    assert_proved(found, len(cells))
    assert_it_sends_what_it_says(found)
    for name, one in found.items():
        metrics = one["metrics"]
        assert ("launch_time" in metrics) == any(f"{way}=" in name for way in STRATEGIES)
        if "pipeline" in name:
            assert_it_idles(metrics)


@pytest.mark.thorough
def test_training_split_by_the_other_schedules(harness: Harness, tmp_path: Path) -> None:
    cells = [*SCHEDULES, "tensor: {degree: 2, sequence: true}"]
    found = run(harness, tmp_path, "train", cells)
    assert_proved(found, len(cells))
    for name, one in found.items():
        if "pipeline" in name:
            assert_it_idles(one["metrics"])


def assert_it_idles(metrics: dict[str, Any]) -> None:
    """As a pipeline must while it fills and drains."""
    assert 0 < metrics["bubble"]["value"] < 1
    assert metrics["bubble_in_theory"]["value"] < 0.5


def assert_it_sends_what_it_says(sent: dict[str, Any]) -> None:
    """As the entries' docstrings give it; of the model above, in fp32, over two ranks."""
    width, vocab, context, layers, rows = 32, 67, 64, 4, 8 * 32
    block = 12 * width**2 + 13 * width
    parameters = 4 * ((vocab + context) * width + layers * block + 2 * width)
    activations = 4 * rows * width

    def told(name: str) -> float:
        value: float = sent[f"{name}=2"]["metrics"]["sent_bytes"]["value"]
        return value

    assert told("data") == parameters
    # A half of every parameter twice, but that the outermost are kept between the passes.
    ends = 4 * (vocab + context + 2) * width
    gathered, padding = parameters - ends / 2, 4 * width
    assert told("shard") == pytest.approx(gathered + parameters, abs=2 * padding)
    # Gradients of all passes together go out once.
    told_of = sent["accumulate=2 + data=2 + recompute=selective"]["metrics"]
    assert told_of["sent_bytes"]["value"] == parameters
    assert "rank_activations" not in told_of
    # A half and a quarter of the parameters, each with gradients and two moments.
    for name, share in (("shard=2", 1 / 2), ("shard=4", 1 / 4)):
        metrics = sent[name]["metrics"]
        held = ("rank_parameters", "rank_gradients", "rank_optimizer")
        total = sum(metrics[one]["value"] for one in held)
        assert total == pytest.approx(4 * parameters * share, rel=0.1)
    # Two sub-layers forward and backward, the embedding forward, the head backward.
    assert told("tensor") == (4 * layers + 2) * activations
    # Keys and values a layer, once forward; backward they and, twice, their gradients.
    ring = layers * (1 + 1 + 2) * activations
    assert told("context") == ring + parameters
    # Rank 0 sends activations, and its gradient of the matrix that the ends share.
    assert told("pipeline") == activations + 4 * vocab * width


def microbatched(pairs: list[str]) -> list[str]:
    """Pipelines whose stages share a small batch."""
    return [one.replace("pipeline: 2", "pipeline: {degree: 2, microbatches: 2}") for one in pairs]


@pytest.mark.thorough
def test_training_split_in_two_ways(harness: Harness, tmp_path: Path) -> None:
    """And in all that go together."""
    cells = [
        *microbatched(FEW_PAIRS),
        "shard: 2, tensor: {degree: 2, sequence: true}, recompute: full, accumulate: 2",
    ]
    assert_proved(run(harness, tmp_path, "train", cells), len(cells))


@pytest.mark.thorough
def test_training_split_in_any_two_ways_and_over_four_ranks(
    harness: Harness, tmp_path: Path
) -> None:
    """Each strategy with each other, and each over four; and what goes with one, by itself."""
    pairs = [one for one in microbatched(PAIRS) if one not in microbatched(FEW_PAIRS)]
    fours = [f"{name}: 4" for name in STRATEGIES if name != "shard"]
    cells = [*pairs, *fours, GPIPE, "accumulate: 2", "recompute: full"]
    assert_proved(run(harness, tmp_path, "train", cells), len(cells))


@pytest.mark.parametrize(
    "pairs",
    [
        ["data: 2, tensor: 2", "pipeline: 2, context: 2"],
        pytest.param([pair for pair in PAIRS if "shard" not in pair], marks=pytest.mark.thorough),
    ],
    ids=["two pairs", "all pairs"],
)
def test_inference_split(harness: Harness, tmp_path: Path, pairs: list[str]) -> None:
    """A prompt, and the tokens behind it, which read what the prompt left on each rank."""
    single = [f"{name}: 2" for name in STRATEGIES if name != "shard"]
    alone = ["recompute: none"]
    found = run(harness, tmp_path, "generate", alone + single + pairs)
    assert_proved(found, len(alone + single + pairs))
    # Ranks that split matrices or layers read together what one process reads; replicas more.
    intensity = {
        name: one["metrics"]["arithmetic_intensity"]["value"] for name, one in found.items()
    }
    whole = intensity[""]
    assert intensity["tensor=2"] == pytest.approx(whole)
    assert intensity["pipeline=2"] == pytest.approx(whole)
    assert whole / 2 < intensity["data=2"] < 0.9 * whole
    assert whole / 2 < intensity["context=2"] < 0.9 * whole


@NEEDS_GPUS
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", ["train", "generate"])
def test_split_over_gpus(harness: Harness, tmp_path: Path, scenario: str) -> None:
    """A GPU a rank, NCCL between them; context's ring has no kernel there."""
    without = ("context",) if scenario == "train" else ("context", "shard")
    ways = [name for name in STRATEGIES if name not in without]
    pairs = [pair for pair in PAIRS if not any(name in pair for name in without)]
    every = [*(f"{name}: {degree}" for name in ways for degree in (2, 4)), *pairs]
    cells = on_gpus(
        [one.replace("pipeline: 2", "pipeline: {degree: 2, microbatches: 2}") for one in every]
    )
    write(tmp_path, cells, scenario=scenario, hardware="cuda")
    assert harness("run", "s.yaml", timeout=800).code in {0, 1}
    assert_proved(results(harness), len(cells))


def test_training_alone_takes_what_is_of_training(harness: Harness, tmp_path: Path) -> None:
    found = run(harness, tmp_path, "prefill", ["shard: 2", "recompute: full", "accumulate: 2"])
    assert {one["status"] for one in found.values()} == {"unsupported"}


TROUBLE = """\
name: trouble
matrix:
  model: {layers: 2, d_model: 32, heads: 2, vocab: 67, context: 64}
  scenario: train
  parallelism: [{data: 2, trouble: [raises, dies, hangs]}, {data: 2}]
workload: {batch: 2, prompt: 16}
measure: {rounds: 1, max_rounds: 1, round_time: 50ms, samples: 9, quality: false, ceiling: false}
limits: {timeout: 8s}
"""


def test_trouble_of_one_rank_is_told_by_its_number(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path
) -> None:
    """Within the limit, with nothing left behind, and the next cell runs."""
    env["PYTHONPATH"] = str(outside_package)
    (tmp_path / "trouble.yaml").write_text(TROUBLE)
    assert harness("run", "trouble.yaml").code == 1
    told = {name: (one["status"], one["reason"]) for name, one in results(harness).items()}
    assert told.pop("data=2") == ("ok", "")
    for kind, status, reason in (
        ("raises", "failed", "rank 1: ValueError: mischief managed"),
        ("dies", "crashed", "rank 1: died by SIGKILL"),
        ("hangs", "timed out", "the round took longer than 8 s: rank 1 is at "),
    ):
        found, why = told.pop(f"data=2 + trouble={kind}")
        assert found == status
        assert why.startswith(reason)
    assert not told
    assert not commands(env)


def test_a_split_that_computes_something_else_fails(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path
) -> None:
    """One rank's logits are a hundredth too large, in training and in inference."""
    env["PYTHONPATH"] = str(outside_package)
    text = TROUBLE.replace("[raises, dies, hangs]", "errs").replace("quality: false, ", "")
    text = text.replace("scenario: train", "scenario: [train, prefill]")
    (tmp_path / "s.yaml").write_text(text)
    assert harness("run", "s.yaml").code == 1
    for one in harness("show", "--format", "json").json["results"]:
        errs = "trouble" in one["axes"]["parallelism"]
        assert one["status"] == ("failed" if errs else "ok")
        reason = "rank 0: the split model differs from one process: relative error "
        assert one["reason"].startswith(reason if errs else "")


@pytest.mark.thorough
def test_two_runs_at_once_do_not_meet(env: dict[str, str], tmp_path: Path) -> None:
    """Each in a folder of its own, on one host: no port, no file in common."""
    assert_two_at_once(env, tmp_path, ["data: 2", "shard: 2"])
