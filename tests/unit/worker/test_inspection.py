"""Memory that an iteration of training uses, as the inspection counts it."""

from __future__ import annotations

import torch
from torch import nn

from harness.worker.inspection import iteration_facts


def test_training_keeps_parameters_gradients_moments_and_activations() -> None:
    """A product saves its input. Its weight is a parameter, so it does not count."""
    model, x = nn.Linear(8, 4, bias=False), torch.randn(16, 8)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def step() -> None:
        model(x).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    facts = iteration_facts(step, model.parameters(), sends=False, trains=True)
    weight = 8 * 4 * 4
    assert facts["rank_parameters"] == facts["rank_gradients"] == weight
    assert facts["rank_optimizer"] == 2 * weight + 4  # two moments, and the step count
    assert facts["rank_activations"] == 16 * 8 * 4 + 16 * 4 * 4  # the inputs of product and square


def test_activations_that_the_graph_drops_no_longer_count() -> None:
    """Two passes, one after the other, keep no more than one."""
    weight = torch.ones(8, requires_grad=True)

    def twice() -> None:
        for _ in range(2):
            (weight * torch.ones(8)).exp().sum().backward()

    once = iteration_facts(
        lambda: (weight * torch.ones(8)).exp().sum().backward(), [weight], sends=False, trains=True
    )
    assert (
        iteration_facts(twice, [weight], sends=False, trains=True)["rank_activations"]
        == once["rank_activations"]
    )


def test_inference_in_one_process_has_no_facts() -> None:
    assert iteration_facts(lambda: None, [], sends=False, trains=False) == {}
    assert iteration_facts(lambda: None, [], sends=True, trains=False) == {
        "collectives": 0,
        "sent_bytes": 0,
    }
