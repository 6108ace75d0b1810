"""Trains models; `scenarios/train.py` measures the time of a training step instead."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from harness.model.muon import Muon

_WARM_UP = 0.05  # fraction of the steps in which the rate rises
_FINAL = 0.02  # final rate, as a fraction of the peak
_CLIP = 1.0
_ADAMW = 0.5  # AdamW's rate, as a fraction of Muon's


def fit(
    model: nn.Module,
    steps: int,
    rate: float,
    loss_of: Callable[[int], torch.Tensor],
    on_step: Callable[[int, float], None] | None = None,
    *,
    keep_zeros: bool = False,
) -> None:
    """Train for `steps` steps on the losses of `loss_of`; `on_step` gets each step and its loss.

    Muon (harness/model/muon.py) trains the blocks' matrices, with a third of the tokens that AdamW
    needs here; AdamW trains all other parameters. The rate rises linearly and falls as a cosine
    (Loshchilov and Hutter 2017, arXiv 1608.03983). Gradients are clipped to norm 1. `keep_zeros`
    keeps the zeros of the matrices.
    """
    matrices = [
        one for name, one in model.named_parameters() if one.ndim == 2 and "blocks." in name
    ]
    in_muon = {id(one) for one in matrices}
    others = [one for one in model.parameters() if id(one) not in in_muon]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, lr=_ADAMW * rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    ]
    if matrices:
        optimizers.append(Muon(matrices, lr=rate, weight_decay=0.01))
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, lambda step: _rate_factor(step, steps))
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
        if on_step is not None:
            on_step(step, float(loss.detach()))
    model.eval()


def _rate_factor(step: int, steps: int) -> float:
    """The rate of a step, as a fraction of the peak rate."""
    warm_up = max(1, round(_WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return _FINAL + (1 - _FINAL) * 0.5 * (1 + math.cos(math.pi * progress))
