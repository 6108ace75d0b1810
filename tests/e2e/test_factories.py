"""A user's own models, built by functions of an outside package, measured as the built-in ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Harness

GRU = '{factory: "outside_models:gru", vocab: 256, context: 64}'
SPEC = f"""\
name: own models
matrix:
  model:
    - {GRU}
    - {{factory: "outside_models:bigram", vocab: 64, context: 64}}
  scenario: [prefill, decode, train]
include:
  - {{model: {GRU}, precision: bf16}}
  - {{model: {GRU}, compression: [int8-dynamic, svd]}}
  - {{model: {GRU}, operator: gqa}}
  - {{model: {GRU}, parallelism: {{data: 2}}}}
  - {{model: {GRU}, backend: outside-numpy}}
  - {{model: {{factory: ["outside_models:amnesiac", "outside_models:short"], vocab: 64}}}}
  - {{model: {{factory: "outside_models:failing", vocab: 64}}}}
workload: {{batch: 2, prompt: 16, generate: 4}}
measure: {{rounds: 2, max_rounds: 2, round_time: 20ms, samples: 3, ceiling: false}}
"""


def test_each_model_is_measured_or_says_what_is_wrong_with_it(
    harness: Harness, env: dict[str, str], outside_package: Path, tmp_path: Path
) -> None:
    env["PYTHONPATH"] = str(outside_package)
    (tmp_path / "s.yaml").write_text(SPEC)
    ran = harness("run", "s.yaml", timeout=280)
    assert ran.code == 1, ran.err  # three of the models are wrong
    shown = harness("show", "--format", "json").json["results"]
    assert len(shown) == 6 + 1 + 2 + 1 + 1 + 1 + 3
    axes = ("model", "scenario", "precision", "compression", "operator", "parallelism", "backend")
    by = {}
    for one in shown:
        model, *others = (one["axes"][axis] for axis in axes)
        name = model.partition("(")[0].removeprefix("outside_models:")
        by[name, *others] = one
    plain = ("fp32", "none", "own", "none", "eager")
    for scenario in ("prefill", "decode", "train"):
        found = by["gru", scenario, *plain]
        assert found["status"] == "ok", found["reason"]
        # An embedding of 256 x 32, a GRU of 6 matrices and biases, two Linear layers.
        assert found["metrics"]["parameters"]["value"] == 8192 + 6336 + 4224 + 4128
        assert "torch's FLOP counter" in found["assumed"]
    # 2 x 16 tokens: a GRU's 6 matrices, two Linear layers, and a head that scores every token.
    expected = 2 * 32 * (6 * 32 * 32 + 2 * 32 * 128 + 32 * 256)
    assert by["gru", "prefill", *plain]["metrics"]["flops"]["value"] == expected
    assert by["gru", "decode", *plain]["metrics"]["state_bytes"]["value"] == 2 * 32 * 4
    assert by["bigram", "prefill", *plain]["status"] == "ok"
    half = by["gru", "prefill", "bf16", "none", "own", "none", "eager"]["metrics"]
    assert 0 < half["logit_error"]["value"] < 0.05
    packed = by["gru", "prefill", "fp32", "int8-dynamic", "own", "none", "eager"]
    assert packed["status"] == "ok", packed["reason"]
    assert packed["metrics"]["flops"]["value"] == expected
    assert 0 < packed["metrics"]["logit_error"]["value"] < 0.1
    for cell, status, reason in (
        (("bigram", "decode", *plain), "unsupported", "keeps no decode state"),
        (
            ("gru", "prefill", "fp32", "svd", "own", "none", "eager"),
            *("unsupported", "svd needs the built-in Transformer"),
        ),
        (
            ("gru", "prefill", "fp32", "none", "gqa", "none", "eager"),
            *("unsupported", "gqa needs the built-in Transformer"),
        ),
        (
            ("gru", "prefill", "fp32", "none", "own", "data=2", "eager"),
            *("unsupported", "data=2 needs the built-in Transformer"),
        ),
        (
            ("gru", "prefill", "fp32", "none", "own", "none", "outside-numpy"),
            *("unsupported", "outside-numpy needs the built-in Transformer"),
        ),
        (("amnesiac", "prefill", *plain), "failed", "logits through the decode state differ"),
        (("short", "prefill", *plain), "failed", "its logits are [2, 16, 63], not [2, 16, 64]"),
        (("failing", "prefill", *plain), "failed", "the checkpoint is not there"),
    ):
        assert by[cell]["status"] == status, (cell, by[cell]["reason"])
        assert reason in by[cell]["reason"]


def test_another_code_of_a_factory_is_measured_anew(
    harness: Harness, env: dict[str, str], tmp_path: Path
) -> None:
    """Though neither the harness nor the spec has changed."""
    env["PYTHONPATH"] = str(tmp_path)
    module = tmp_path / "my_model.py"
    code = "from torch import nn\n\n\ndef build(*, vocab, context):\n    return nn.Embedding({0}, {0})\n"
    module.write_text(code.format("vocab"))
    (tmp_path / "s.yaml").write_text(
        'matrix: {model: {factory: "my_model:build", vocab: 64}, scenario: prefill}\n'
        "workload: {prompt: 8}\n"
        "measure: {rounds: 1, max_rounds: 1, round_time: 10ms, ceiling: false}\n"
    )
    assert harness("run", "s.yaml").code == 0
    (cell,) = harness("plan", "s.yaml", "--format", "json").json["cells"]
    assert cell["action"] == "reuse"
    module.write_text(code.format("vocab") + "# changed\n")
    (cell,) = harness("plan", "s.yaml", "--format", "json").json["cells"]
    assert cell["action"] == "measure"
