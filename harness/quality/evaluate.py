"""How well a model predicts held-out text, compared with the dense model and the language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch.nn.functional import log_softmax

from harness.domain.result import Score
from harness.quality.text import HeldOut

_DOCUMENTS_AT_ONCE = 4

Logits: TypeAlias = Callable[[torch.Tensor], torch.Tensor | None]


@torch.inference_mode()
def scores(model: Logits, dense: Logits, documents: Sequence[HeldOut]) -> list[Score]:
    """One score per document; none if the runtime gives no logits.

    `dense` is the fp32 model in eager torch. Both models map token ids [B, T] to logits [B, T, V]
    in fp32, on the host. They read documents as prompts, so the logits include what the format of
    the decode state loses. All documents have the same length.
    """
    scored: list[Score] = []
    for start in range(0, len(documents), _DOCUMENTS_AT_ONCE):
        some = documents[start : start + _DOCUMENTS_AT_ONCE]
        tokens = torch.stack([one.tokens for one in some])
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        found = model(inputs)
        if found is None:
            return []
        ours, expected = log_softmax(found, -1), dense(inputs)
        assert expected is not None, "eager torch always gives logits"
        theirs = log_softmax(expected, -1)
        divergence = (theirs.exp() * (theirs - ours)).sum(-1)  # [B, T], nats
        agreed = ours.argmax(-1) == theirs.argmax(-1)
        for row, document in enumerate(some):
            at = targets[row].unsqueeze(-1)
            scored.append(
                Score(
                    tokens=len(targets[row]),
                    bytes=document.bytes,
                    bits=_bits(ours[row].gather(-1, at)),
                    dense_bits=_bits(theirs[row].gather(-1, at)),
                    divergence=float(divergence[row].sum()) / math.log(2),
                    agreed=int(agreed[row].sum()),
                    floor_bits=document.floor_bits,
                )
            )
    return scored


def _bits(log_probabilities: torch.Tensor) -> float:
    return -float(log_probabilities.sum()) / math.log(2)
