"""What an iteration keeps, counted from inside."""

from __future__ import annotations

import torch
from torch import nn

from harness.worker.inspection import inspected


def test_training_keeps_parameters_gradients_moments_and_activations() -> None:
    """A product keeps its input; its weight, a parameter, is kept anyway."""
    model, x = nn.Linear(8, 4, bias=False), torch.randn(16, 8)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        model(x).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    facts = inspected(step, model.parameters(), sends=False, trains=True)
    weight = 8 * 4 * 4
    assert facts["rank_parameters"] == facts["rank_gradients"] == weight
    assert facts["rank_optimizer"] == 2 * weight + 4  # two moments, and how many steps
    assert facts["rank_activations"] == 16 * 8 * 4 + 16 * 4 * 4  # the input; what is squared


def test_what_is_let_go_counts_no_longer() -> None:
    """Two passes one after the other keep no more than one."""
    weight = torch.ones(8, requires_grad=True)

    def twice() -> None:
        for _ in range(2):
            (weight * torch.ones(8)).exp().sum().backward()

    once = inspected(
        lambda: (weight * torch.ones(8)).exp().sum().backward(), [weight], sends=False, trains=True
    )
    assert (
        inspected(twice, [weight], sends=False, trains=True)["rank_activations"]
        == once["rank_activations"]
    )


def test_inference_alone_has_nothing_to_tell() -> None:
    assert inspected(lambda: None, [], sends=False, trains=False) == {}
    assert inspected(lambda: None, [], sends=True, trains=False) == {
        "collectives": 0,
        "sent_bytes": 0,
    }
