"""Scores of documents, held against a computation of their own."""

from __future__ import annotations

import math

import pytest
import torch

from harness import metrics
from harness.dispatch.summary import estimate, valued
from harness.domain.result import Round, Score, Status
from harness.model.build import build
from harness.model.shape import Shape
from harness.model.transformer import Transformer
from harness.operators.sdpa import Sdpa
from harness.quality.evaluate import scores
from harness.quality.text import HeldOut

SHAPE = Shape(layers=1, d_model=32, heads=2, vocab=50, context=20)


def model(seed: int) -> Transformer:
    made = build(SHAPE, Sdpa().mixer, device=torch.device("cpu"), seed=seed)
    with torch.no_grad():  # as made at random it hardly prefers any token
        made.wte.weight.mul_(20)
    return made


@pytest.fixture
def documents() -> list[HeldOut]:
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(50, (6, 12), generator=generator)
    return [HeldOut(row, bytes=30 + place) for place, row in enumerate(tokens)]


@torch.inference_mode()
def test_scores_are_those_of_each_token_by_itself(documents: list[HeldOut]) -> None:
    """One at a time, in double precision, without a state."""
    ours, theirs = model(1), model(2)
    told = scores(ours, theirs, documents)
    for score, document in zip(told, documents, strict=True):
        bits = dense = divergence = agreed = 0.0
        p, q = (
            torch.softmax(one(document.tokens[None, :-1])[0].double(), -1) for one in (ours, theirs)
        )
        for place, token in enumerate(document.tokens[1:].tolist()):
            bits -= math.log2(p[place, token])
            dense -= math.log2(q[place, token])
            divergence += float((q[place] * (q[place] / p[place]).log2()).sum())
            agreed += int(p[place].argmax() == q[place].argmax())
        assert (score.tokens, score.bytes, score.agreed) == (11, document.bytes, agreed)
        assert score.bits == pytest.approx(bits, rel=1e-4)
        assert score.dense_bits == pytest.approx(dense, rel=1e-4)
        assert score.divergence == pytest.approx(divergence, rel=1e-3)


ROUND = Round(
    0,
    Status.OK,
    scores=(
        *(Score(10, 20, 30.0, 25.0, 4.0, 9, 24.0) for _ in range(8)),
        Score(30, 60, 60.0, 65.0, 8.0, 18, 54.0),
    ),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bits_per_byte", (8 * 30 + 60) / (8 * 20 + 60)),
        ("excess_bits_per_byte", (8 * 6 + 6) / 220),
        ("quality_loss", (8 * 5 - 5) / 220),
        ("kl_divergence", (8 * 4 + 8) / (8 * 10 + 30)),
        ("top1_agreement", (8 * 9 + 18) / 110),
    ],
)
def test_a_figure_over_documents_is_a_ratio_of_sums(name: str, value: float) -> None:
    """With an interval over them, and as many samples as documents."""
    told = estimate(name, [valued(ROUND)])
    assert told is not None
    assert told.value == pytest.approx(value)
    assert told.low is not None
    assert told.high is not None
    assert told.low < told.value < told.high
    assert (told.rounds, told.samples) == (1, 9)


def test_a_text_whose_floor_nobody_knows_has_no_excess() -> None:
    one = Round(0, Status.OK, scores=(Score(10, 20, 30.0, 25.0, 4.0, 9),))
    assert metrics.registry["excess_bits_per_byte"]().value(one) is None
    assert metrics.registry["bits_per_byte"]().value(one) == 1.5
