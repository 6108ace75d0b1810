"""How well a model tells held-out text, beside the dense model and the language itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn.functional import log_softmax

from harness.domain.result import Score
from harness.model.transformer import Transformer
from harness.quality.text import HeldOut

_DOCUMENTS_AT_ONCE = 4


@torch.inference_mode()
def scores(model: Transformer, dense: Transformer, documents: Sequence[HeldOut]) -> list[Score]:
    """One a document, by decoders. `dense` is the model before compression, in fp32.

    Documents are of one length. All in fp32, from logits [B, T, V] in whatever format they come.
    """
    told: list[Score] = []
    for start in range(0, len(documents), _DOCUMENTS_AT_ONCE):
        some = documents[start : start + _DOCUMENTS_AT_ONCE]
        tokens = torch.stack([one.tokens for one in some])
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        ours, theirs = (_log_probabilities(one, inputs) for one in (model, dense))
        divergence = (theirs.exp() * (theirs - ours)).sum(-1)  # [B, T], nats
        agreed = ours.argmax(-1) == theirs.argmax(-1)
        for row, document in enumerate(some):
            at = targets[row].unsqueeze(-1)
            told.append(
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
    return told


def _log_probabilities(model: Transformer, inputs: torch.Tensor) -> torch.Tensor:
    """[B, T, V] in fp32, on the host.

    Through a decode state, as a prompt is read: what its format loses is in it.
    """
    state = model.new_state(*inputs.shape)
    logits: torch.Tensor = model(inputs.to(model.wte.weight.device), state=state)
    return log_softmax(logits.float(), -1).cpu()


def _bits(log_probabilities: torch.Tensor) -> float:
    return -float(log_probabilities.sum()) / math.log(2)
