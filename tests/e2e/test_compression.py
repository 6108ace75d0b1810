"""Compression with its whole price, from a spec to the site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Harness

SPEC = """
name: price
baseline: {compression: none}
matrix:
  model: {layers: 1, d_model: 64, heads: 2, vocab: 256, context: 64, weights: trained}
  scenario: [prefill]
  compression: [none, int8-dynamic, {name: magnitude, fraction: 0.5}, [{name: heads, fraction: 0.5}, int8-weight-only]]
workload: {prompt: 32, generate: 8}
measure: {rounds: 2, max_rounds: 2, round_time: 20ms, ceiling: false}
include:
  - {scenario: decode}
  - {scenario: decode, compression: [[{name: heads, fraction: 0.5}, int8-weight-only]]}
"""
# The same with random weights, in one round, with what an outside package compresses, and with
# what cannot be made.
UNTAUGHT = """
baseline: {compression: none}
matrix:
  model: {layers: 2, d_model: 64, heads: 2, vocab: 256, context: 64}
  scenario: prefill
  compression: [none, int8-dynamic, outside-half, {name: block, rows: 7, columns: 7}]
workload: {prompt: 32}
measure: {rounds: 1, max_rounds: 1, round_time: 20ms, ceiling: false}
"""


@pytest.fixture
def cache(env: dict[str, str]) -> Path:
    return Path(env["HARNESS_CACHE"])


def results(harness: Harness) -> dict[tuple[str, str], dict[str, Any]]:
    shown = harness("show", "--format", "json", "--db", "a.sqlite").json["results"]
    return {(one["axes"]["compression"], one["axes"]["scenario"]): one for one in shown}


@pytest.mark.thorough
def test_every_compressed_cell_has_its_price(harness: Harness, tmp_path: Path, cache: Path) -> None:
    """The reference is trained once; each model is made once, and judged."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    assert "after training 1L-64d-2h(" in harness("plan", "spec.yaml", "--db", "a.sqlite").out
    ran = harness("run", "spec.yaml", "--db", "a.sqlite")
    assert ran.code == 0, ran.err
    assert "training 1L-64d-2h(" in ran.err
    told = results(harness)
    assert len(told) == 6
    for (name, _), one in told.items():
        metrics = one["metrics"]
        for metric in (
            *("bits_per_byte", "excess_bits_per_byte", "quality_loss", "kl_divergence"),
            *("top1_agreement", "file_bytes", "bits_per_weight", "load_time", "cold_load_time"),
            *("resident_memory", "parameters", "nonzero_parameters", "flops", "model_bytes"),
        ):
            assert metric in metrics, (name, metric)
        assert ("compression_time" in metrics) == (name != "none")
        assert metrics["quality_loss"]["samples"] == 64
        assert metrics["file_bytes"]["rounds"] == 1  # it was written once
        assert metrics["excess_bits_per_byte"]["low"] < metrics["excess_bits_per_byte"]["high"]
    dense = told["none", "prefill"]["metrics"]
    assert dense["quality_loss"]["value"] == dense["kl_divergence"]["value"] == 0
    pruned = told["magnitude", "prefill"]["metrics"]
    assert pruned["quality_loss"]["value"] > 0
    assert pruned["nonzero_parameters"]["value"] < dense["nonzero_parameters"]["value"]
    small = told["heads(fraction=0.5) + int8-weight-only", "decode"]["metrics"]
    assert small["file_bytes"]["value"] < dense["file_bytes"]["value"]
    assert small["flops"]["value"] < told["none", "decode"]["metrics"]["flops"]["value"]
    # What compressed models were made of is gone with the run; the reference stays.
    assert not list((cache / "artifacts").iterdir())
    (reference,) = (cache / "reference").glob("*.safetensors")
    before = reference.stat().st_mtime
    brief = ("--only", "scenario=prefill", "--only", "compression=magnitude", "--fresh")
    again = harness("run", "spec.yaml", "--db", "a.sqlite", *brief)
    assert again.code == 0, again.err
    assert "training" not in again.err
    assert reference.stat().st_mtime == before
    assert harness("site", "--db", "a.sqlite", "--out", "site").code == 0
    page = (tmp_path / "site" / "index.html").read_text()
    assert "Quality loss" in page
    assert "KL divergence" in page


def test_random_weights_have_no_quality_and_a_model_that_cannot_be_made_has_a_reason(
    harness: Harness, tmp_path: Path, cache: Path, env: dict[str, str], outside_package: Path
) -> None:
    """Of random weights there is the numeric error of their logits.

    A model that cannot be made is its cell's failure, and the others go on: also one with layers
    that the house knows nothing of, which is written and read back. What a killed run left is
    swept: it lies in a folder with the dead process's number.
    """
    env["PYTHONPATH"] = str(outside_package)
    left = cache / "artifacts" / "999999999-12345"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    (tmp_path / "spec.yaml").write_text(UNTAUGHT)
    ran = harness("run", "spec.yaml", "--db", "a.sqlite")
    assert ran.code == 0, ran.err
    assert not left.exists()
    told = {name: one for (name, _), one in results(harness).items()}
    failed = told.pop("block(columns=7, rows=7)")
    assert failed["status"] == "unsupported"
    assert "no layer of this model divides into blocks of 7 x 7" in failed["reason"]
    assert set(told) == {"none", "int8-dynamic", "outside-half"}
    for name, one in told.items():
        assert one["status"] == "ok"
        assert "bits_per_byte" not in one["metrics"]
        assert ("logit_error" in one["metrics"]) == (name != "none")
        assert one["not_measured"]["bits_per_byte"] == "not measurable: random weights"
    half, dense = (told[name]["metrics"] for name in ("outside-half", "none"))
    assert 0 < half["logit_error"]["value"] < 0.001
    assert half["file_bytes"]["value"] < 0.7 * 4 * dense["parameters"]["value"]


def test_an_impossible_composition_is_refused_before_anything_runs(
    harness: Harness, tmp_path: Path
) -> None:
    (tmp_path / "spec.yaml").write_text(
        SPEC.replace("[{name: heads, fraction: 0.5}, int8", "[int8-dynamic, int8")
    )
    ran = harness("run", "spec.yaml", "--db", "a.sqlite")
    assert ran.code == 2
    assert "spec.yaml:7:" in ran.err
    assert "int8-dynamic already sets the number format: leave one of them out" in ran.err
    assert not (tmp_path / "a.sqlite").exists()


@pytest.mark.thorough
def test_a_users_text_judges_a_users_weights(harness: Harness, tmp_path: Path, cache: Path) -> None:
    """Weights in GPT-2's layout, by path; bytes of a file."""
    import torch

    from harness.model.build import build
    from harness.model.shape import Shape
    from harness.model.weights import save_gpt2_layout
    from harness.operators.sdpa import Sdpa

    shape = Shape(layers=1, d_model=32, heads=2, vocab=256, context=64)
    model = build(shape, Sdpa().mixer, device=torch.device("cpu"))
    save_gpt2_layout(model, tmp_path / "w.safetensors")
    (tmp_path / "corpus.txt").write_text("the quick brown fox jumps over the lazy dog. " * 900)
    spec = """
matrix:
  model: {layers: 1, d_model: 32, heads: 2, vocab: 256, context: 64, weights: w.safetensors}
  scenario: prefill
  compression: [none, int8-dynamic]
quality: {corpus: corpus.txt}
workload: {prompt: 32}
measure: {rounds: 1, max_rounds: 1, round_time: 10ms, ceiling: false}
"""
    (tmp_path / "spec.yaml").write_text(spec)
    ran = harness("run", "spec.yaml", "--db", "a.sqlite")
    assert ran.code == 0, ran.err
    told = results(harness)["int8-dynamic", "prefill"]["metrics"]
    assert told["bits_per_byte"]["value"] == pytest.approx(8, abs=0.3)  # it knows nothing
    assert "excess_bits_per_byte" not in told
    assumed = "2 heads are assumed, as in the spec: neither w.safetensors nor a config.json"
    assert assumed in ran.err
    assert assumed in results(harness)["none", "prefill"]["assumed"]
    (tmp_path / "spec.yaml").write_text(spec.replace("corpus.txt", "missing.txt"))
    refused = harness("plan", "spec.yaml")
    assert refused.code == 2
    assert "the corpus 'missing.txt' cannot be found" in refused.err


def test_a_compressed_cell_is_compared_with_itself(
    harness: Harness, tmp_path: Path, cache: Path
) -> None:
    """A self-check prepares its models as a run does."""
    (tmp_path / "spec.yaml").write_text("""
matrix:
  model: {layers: 1, d_model: 64, heads: 2, vocab: 256, context: 64}
  scenario: [prefill, decode]
  compression: [[heads, int8-dynamic]]
workload: {prompt: 32, generate: 8}
measure: {rounds: 2, max_rounds: 2, round_time: 20ms, ceiling: false}
""")
    checked = harness("selfcheck", "spec.yaml", "--trials", "2", "--db", "a.sqlite")
    assert checked.code == 0, checked.err
    assert "prefill" in checked.out
    assert "decode" in checked.out
