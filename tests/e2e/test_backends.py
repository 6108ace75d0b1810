"""Runtimes beside eager torch: one that compiles, and one from an outside package without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

SPEC = """\
name: runtimes
baseline: {backend: eager}
matrix:
  model: {layers: 1, d_model: 32, heads: 2, vocab: 67, context: 64}
  scenario: decode
  backend: [eager, outside-numpy]
include:
  - {backend: outside-numpy, scenario: [prefill, generate, train]}
  - {backend: outside-numpy, precision: bf16}
  - {backend: outside-numpy, compression: int8-dynamic}
  - {backend: [compile, outside-numpy], parallelism: {data: 2}}
workload: {batch: 2, prompt: 16, generate: 4}
measure: {rounds: 2, max_rounds: 2, round_time: 20ms, samples: 3, ceiling: false}
"""
COMPILED = """\
name: compiled
matrix:
  model: {layers: 1, d_model: 32, heads: 2, vocab: 67, context: 64}
  scenario: decode
  backend: [eager, compile]
workload: {batch: 2, prompt: 16, generate: 4}
measure: {rounds: 2, max_rounds: 2, round_time: 20ms, samples: 3, ceiling: false}
"""


def test_each_runtime_is_measured_and_held_to_eager(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path
) -> None:
    """Through the same scenarios, with its error beside its speed; or it says what it cannot do."""
    env["PYTHONPATH"] = str(outside_package)
    (tmp_path / "s.yaml").write_text(SPEC)
    ran = harness("run", "s.yaml", timeout=280)
    assert ran.code == 0, ran.err
    shown = harness("show", "--format", "json").json["results"]
    assert len(shown) == 2 + 3 + 1 + 1 + 2
    axes = ("backend", "scenario", "precision", "compression", "parallelism")
    by = {tuple(one["axes"][axis] for axis in axes): one for one in shown}
    plain = ("fp32", "none", "none")
    for scenario in ("prefill", "decode", "generate"):
        found = by["outside-numpy", scenario, *plain]
        assert found["status"] == "ok", found["reason"]
        assert 0 < found["metrics"]["logit_error"]["value"] < 1e-4
        assert found["metrics"]["state_bytes"]["value"] > 0
    for cell, reason in (
        (("outside-numpy", "train", *plain), "outside-numpy does not train"),
        (("outside-numpy", "decode", "bf16", "none", "none"), "computes in fp32, not in bf16"),
        (("outside-numpy", "decode", "fp32", "int8-dynamic", "none"), "runs dense models only"),
        (("compile", "decode", "fp32", "none", "data=2"), "does not run models that are split"),
    ):
        assert by[cell]["status"] == "unsupported", cell
        assert reason in by[cell]["reason"]


@pytest.mark.thorough  # a minute and a half of the C++ compiler
def test_a_compiler_is_held_to_eager_and_timed_cold_and_from_its_cache(
    harness: Harness, tmp_path: Path
) -> None:
    (tmp_path / "s.yaml").write_text(COMPILED)
    ran = harness("run", "s.yaml", timeout=280)
    assert ran.code == 0, ran.err
    shown = harness("show", "--format", "json").json["results"]
    metrics = {one["axes"]["backend"]: one["metrics"] for one in shown}
    compiled = metrics["compile"]
    assert 0 <= compiled["logit_error"]["value"] < 1e-4
    # The first round compiled, the second found the code.
    assert compiled["compile_time"]["rounds"] == compiled["cached_compile_time"]["rounds"] == 1
    assert 0 < compiled["cached_compile_time"]["value"] < compiled["compile_time"]["value"]
    assert compiled["graph_breaks"]["value"] == 0
    assert "compile_time" not in metrics["eager"]
