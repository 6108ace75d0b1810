"""Parameters, FLOPs and bytes of the Transformer, as pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """One pass over the model: `new` tokens a sequence, after `past` ones already seen.

    `logits` is for how many of them the vocabulary is scored; `backward` adds the gradients.
    `times` repeats the pass (a decode of many tokens is told by its mean past).
    """

    batch: int
    new: int
    past: int = 0
    logits: int = 1
    backward: bool = False
