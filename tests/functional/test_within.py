"""A run with a budget: what it measures, what it leaves, and how the next run goes on.

Nothing here depends on how fast the machine is, except that it does two rounds in the budget.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

SPEC = """\
# Which is it?
name: {name}
baseline: {{precision: fp32}}
matrix:
  model: [nano]
  scenario: [{scenario}]
  precision: [fp32, bf16]
workload: {{batch: [1], prompt: [16, 24, 32], generate: 4}}
measure: {{rounds: 900, samples: 1, max_samples: 3, round_time: {time}, ceiling: true}}
"""
# Too short for 900 rounds of a cell and for the ceilings, which take 27 s or more.
BUDGET = "30s"


@pytest.fixture
def specs(tmp_path: Path) -> tuple[str, ...]:
    """Two specs of six small cells each, and a spec with one cell that takes too long."""
    for name, scenario in (("a", "prefill"), ("b", "decode")):
        text = SPEC.format(name=name, scenario=scenario, time="1ms")
        (tmp_path / f"{name}.yaml").write_text(text)
    long = SPEC.format(name="long", scenario="train", time="9m").replace("[fp32, bf16]", "[fp32]")
    (tmp_path / "long.yaml").write_text(long.replace("[16, 24, 32]", "[16]"))
    return ("a.yaml", "b.yaml", "long.yaml")


def shown(harness: Harness) -> list[dict[str, Any]]:
    """The newest stored result of each cell."""
    found: list[dict[str, Any]] = harness("show", "--format", "json").json["results"]
    return found


@pytest.mark.alone
def test_a_budget_ends_the_run_and_the_next_run_goes_on(
    harness: Harness, specs: tuple[str, ...]
) -> None:
    run = harness("run", *specs, "--within", BUDGET)
    assert run.code == 0, run.err
    assert "left for the next run: 1 cell not reached (train" in run.out
    assert "with fewer rounds than they need" in run.out
    assert "the ceilings of local are left for the next run" in run.err

    stored = shown(harness)
    measured = [one for one in stored if one["status"] == "ok"]
    assert {one["axes"]["scenario"] for one in measured} == {"prefill", "decode"}
    assert {one["stop_rule"] for one in measured} == {"budget ended"}
    assert all(one["metrics"] for one in measured)
    [train] = [one for one in stored if one["axes"]["scenario"] == "train"]
    assert (train["status"], train["metrics"]) == ("measuring", {})
    before = {one["cell"]: rounds(one) for one in measured}

    options = [
        *("--set", "measure.round_time=1ms", "--set", "measure.rounds=1"),
        *("--set", "measure.max_rounds=1", "--set", "measure.ceiling=false"),
    ]
    again = harness("run", *specs, *options)
    assert again.code == 0, again.err
    assert "left for the next run" not in again.out
    stored = shown(harness)
    assert {one["status"] for one in stored} == {"ok"}
    assert {one["stop_rule"] for one in stored} == {"rounds done"}
    assert len(stored) == 13
    for one in stored:  # all rounds of the first run count, and none was measured twice
        assert rounds(one) == max(1, before.get(one["cell"], 0))


def rounds(result: dict[str, Any]) -> int:
    """The number of rounds behind the result's headline."""
    return max(int(metric["rounds"]) for metric in result["metrics"].values())


def test_a_plan_says_how_far_a_budget_reaches(harness: Harness, specs: tuple[str, ...]) -> None:
    """Without measuring anything."""
    answer = harness("plan", *specs, "--within", "1h")
    assert "within 1 h 00 min: about 13 of 13 cells get a round" in answer.out
    document = harness("plan", *specs, "--within", "500ms", "--format", "json").json
    assert (document["within_seconds"], document["expected_reached"]) == (0.5, [])
    document = harness("plan", *specs, "--format", "json").json
    assert (document["within_seconds"], document["expected_reached"]) == (None, None)


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("text", ["30", "0s", "-5m", "soon", "nan s", ""])
def test_a_budget_is_a_duration(
    harness: Harness, specs: tuple[str, ...], command: str, text: str, tmp_path: Path
) -> None:
    """With its unit, and above zero. Otherwise nothing is measured."""
    answer = harness(command, *specs, f"--within={text}")
    assert answer.code == 2
    assert "Invalid value for '--within'" in answer.err
    assert "such as 500ms, 60s, 10m or 1.5h" in answer.err
    assert not (tmp_path / "results").exists()
