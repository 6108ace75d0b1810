"""Training a model for its own sake, where `scenarios/train.py` measures what a step takes."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from harness.model.muon import Muon

_WARM = 0.05  # of the steps, in which the rate rises
_LAST = 0.02  # of the rate, at the end
_CLIP = 1.0
_OTHERS = 0.5  # of the rate, for what is no matrix of a block


def fit(
    model: nn.Module,
    steps: int,
    rate: float,
    loss_of: Callable[[int], torch.Tensor],
    tell: Callable[[int, float], None] | None = None,
    *,
    keep_zeros: bool = False,
) -> None:
    """So many steps on what `loss_of` gives for each; `tell` hears each step's loss.

    The blocks' matrices by Muon (harness/model/muon.py), which needs a third of the tokens that
    AdamW does here; everything else by AdamW. The rate rises linearly
    and falls as a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983); gradients are clipped to
    norm 1. With `keep_zeros` what is zero in a matrix at the start is zero at the end.
    """
    matrices = [
        one for name, one in model.named_parameters() if one.ndim == 2 and "blocks." in name
    ]
    theirs = {id(one) for one in matrices}
    others = [one for one in model.parameters() if id(one) not in theirs]
    slow = _OTHERS * rate
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, lr=slow, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    ]
    if matrices:
        optimizers.append(Muon(matrices, lr=rate, weight_decay=0.01))
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, lambda step: _share(step, steps))
        for one in optimizers
    ]
    masks = [(one, one != 0) for one in matrices] if keep_zeros else []
    model.train()
    for step in range(steps):
        loss = loss_of(step)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
        for parameter, mask in masks:
            parameter.data.mul_(mask)
        if tell is not None:
            tell(step, float(loss.detach()))
    model.eval()


def _share(step: int, steps: int) -> float:
    """Of the rate, in that step."""
    warm = max(1, round(_WARM * steps))
    if step < warm:
        return (step + 1) / warm
    way = (step - warm) / max(1, steps - warm)
    return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * way))
