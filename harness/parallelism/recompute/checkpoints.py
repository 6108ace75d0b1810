"""Wraps blocks so that the backward pass computes activations again."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import (
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
)

from harness.distributed.split import Split
from harness.model.transformer import blocks_of

_aten = torch.ops.aten
# Expensive to recompute, cheap to keep: matrix products and fused attention.
_KEPT = {
    _aten.mm.default,
    _aten.addmm.default,
    _aten.bmm.default,
    _aten._scaled_dot_product_flash_attention_for_cpu.default,
    _aten._scaled_dot_product_cudnn_attention.default,
    _aten._scaled_dot_product_flash_attention.default,
    _aten._scaled_dot_product_efficient_attention.default,
}


def recompute(split: Split, *, selective: bool) -> None:
    """Make each block keep its input only (Chen et al. 2016, arXiv 1604.06174).

    With `selective` a block also keeps the outputs of its matrix products (in the spirit of
    Korthikanti et al. 2022, arXiv 2205.05198).
    """
    contexts = partial(create_selective_checkpoint_contexts, _policy)
    extra: dict[str, Any] = {"context_fn": contexts} if selective else {}
    split.keeps_aside = selective
    for block in blocks_of(split.core):
        block.forward = partial(  # type: ignore[method-assign]
            checkpoint, block.forward, use_reentrant=False, **extra
        )


def _policy(_: object, operation: object, *__: object, **___: object) -> CheckpointPolicy:
    kept = operation in _KEPT
    return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE
