"""Trains the reference model on the generated language, whose entropy is known.

Training is deterministic: the same recipe gives the same model. The recipe names the file, so a
model whose file exists is not trained again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from harness.model.attention import Attention, fused_attention
from harness.model.build import build
from harness.model.training import fit
from harness.model.weights import save_gpt2_layout
from harness.quality.recipe import Recipe
from harness.quality.text import GeneratedText


def train(recipe: Recipe, path: Path, report: Callable[[int, float], None]) -> None:
    """Train the model and write its weights; `report` gets each step and its loss in bits/byte."""
    torch.set_num_threads(recipe.threads)
    torch.use_deterministic_algorithms(mode=True)
    model = build(
        recipe.shape,
        lambda shape, _: Attention(shape, fused_attention),
        device=torch.device("cpu"),
        seed=recipe.seed,
    )
    length = min(recipe.length, recipe.shape.context)
    tokens = GeneratedText().sequences("training", recipe.steps * recipe.batch, length)

    def loss_of(step: int) -> torch.Tensor:
        some = tokens[step * recipe.batch : (step + 1) * recipe.batch]
        return cross_entropy(model(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())

    def report_bits(step: int, loss: float) -> None:
        report(step, loss / math.log(2))

    fit(model, recipe.steps, recipe.rate, loss_of, report_bits)
    partial = path.with_suffix(".partial")
    save_gpt2_layout(model, partial)
    partial.replace(path)
