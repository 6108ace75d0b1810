"""Every operator learns: a tiny model of it finds out that a sequence repeats."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import cross_entropy

from harness import operators
from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.model.build import build
from harness.model.shape import Shape
from harness.operators import Operator

PERIOD, LENGTH = 3, 12
SHAPE = Shape(layers=2, d_model=64, heads=4, vocab=6, context=LENGTH)
STEPS, BATCH = 120, 16
FRACTION = 0.7  # of the loss at the start, which is that of guessing; the slowest end near 0.5

pytestmark = pytest.mark.usefixtures("uncompiled")


def repeated(generator: torch.Generator) -> torch.Tensor:
    """[BATCH, LENGTH + 1]: random tokens, over and over. Past the first ones, each is known."""
    tokens = torch.randint(SHAPE.vocab, (BATCH, PERIOD), generator=generator)
    return tokens.repeat(1, LENGTH // PERIOD + 1)[:, : LENGTH + 1]


@pytest.mark.parametrize("entry", operators.registry.entries(), ids=lambda one: one.name)
def test_an_operator_learns_to_recall_a_token_and_copy_it(
    entry: type[Operator],
    example: Callable[[type[Entry]], Entry],
    make_cell: Callable[..., Cell],
    host: Host,
) -> None:
    """What stood PERIOD tokens before is all that tells the next token: whoever cannot see it,
    or only itself, stays at the start's loss.
    """
    operator = example(entry)
    assert isinstance(operator, Operator)
    choice = Choice(operator.name, operator.options.canonical())
    reason = operator.untrainable(make_cell(operator=choice), host)
    if reason is not None:
        pytest.skip(reason)
    model = build(SHAPE, operator.mixer, device=torch.device("cpu")).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    generator, losses = torch.Generator().manual_seed(1), []
    for _ in range(STEPS):
        tokens = repeated(generator)
        logits = model(tokens[:, :-1])[:, PERIOD - 1 :]
        loss = cross_entropy(logits.flatten(0, 1), tokens[:, PERIOD:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) / 10 < FRACTION * losses[0]
