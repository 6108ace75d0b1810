"""A budget on the command line; tests/unit/dispatch/test_budget.py simulates runs with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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


@pytest.fixture
def specs(tmp_path: Path) -> tuple[str, ...]:
    """Two specs of six small cells each, and a spec with one cell that takes too long."""
    for name, scenario in (("a", "prefill"), ("b", "decode")):
        text = SPEC.format(name=name, scenario=scenario, time="1ms")
        (tmp_path / f"{name}.yaml").write_text(text)
    long = SPEC.format(name="long", scenario="train", time="9m").replace("[fp32, bf16]", "[fp32]")
    (tmp_path / "long.yaml").write_text(long.replace("[16, 24, 32]", "[16]"))
    return ("a.yaml", "b.yaml", "long.yaml")


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
