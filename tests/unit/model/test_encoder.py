"""The encoder: every token sees every other, and a sequence becomes one embedding."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from harness.errors import Unsupported
from harness.model.architectures import EncoderShape
from harness.model.build import build
from harness.model.encoder import Encoder
from harness.operators import Operator
from harness.operators.math import Math
from harness.operators.sdpa import Sdpa

SHAPE = EncoderShape(layers=3, d_model=48, heads=3, vocab=101, context=32, d_ff=80)


@pytest.fixture(params=[Sdpa, Math], ids=["sdpa", "math"])
def operator(request: pytest.FixtureRequest) -> Operator:
    made: Operator = request.param()
    return made


@pytest.fixture
def model(operator: Operator) -> Encoder:
    """With weights larger than a fresh model's, so that tokens do see each other."""
    return made(operator)


def made(operator: Operator, seed: int = 1) -> Encoder:
    device = torch.device("cpu")
    model = build(SHAPE, operator.mixer, unmasked=operator.unmasked, device=device, seed=seed)
    assert isinstance(model, Encoder)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(SHAPE.vocab, (2, 12), generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_a_later_token_changes_earlier_states(model: Encoder, tokens: torch.Tensor) -> None:
    """And an earlier one later states: all see all."""
    for position in (0, 6, 11):
        changed = tokens.clone()
        changed[:, position] = (changed[:, position] + 1) % SHAPE.vocab
        difference = (model(tokens) - model(changed)).abs().amax(dim=(0, 2))
        assert difference.gt(1e-6).all()


@torch.inference_mode()
def test_sequences_of_a_batch_do_not_see_each_other(model: Encoder, tokens: torch.Tensor) -> None:
    changed = tokens.clone()
    changed[1] = (changed[1] + 1) % SHAPE.vocab
    assert torch.equal(model(tokens)[0], model(changed)[0])


@torch.inference_mode()
def test_a_sequence_becomes_the_mean_of_its_states(model: Encoder, tokens: torch.Tensor) -> None:
    state = model.new_state(2, 12)
    embedding = model(tokens, state=state, last_only=True)
    assert (embedding.shape, state.position) == ((2, 1, SHAPE.d_model), 12)
    # The head is linear: the embedding's scores are the mean of the positions'.
    expected = model(tokens).mean(dim=1, keepdim=True)
    torch.testing.assert_close(model.head(embedding), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_rewound_state_reads_anew_and_nothing_follows_a_sequence(
    model: Encoder, tokens: torch.Tensor
) -> None:
    state = model.new_state(2, 12)
    first = model(tokens, state=state)
    with pytest.raises(Unsupported, match="reads a whole sequence at once"):
        model(tokens[:, :1], state=state)
    state.rewind()
    assert torch.equal(first, model(tokens, state=state))


def test_it_learns_to_tell_the_masked_tokens(model: Encoder, tokens: torch.Tensor) -> None:
    """Each seventh, from the first; what is not masked is given, and no target."""
    inputs, targets = model.training_batch(torch.cat([tokens, tokens[:, :1]], dim=1))
    masked = [0, 7]
    given = [one for one in range(12) if one not in masked]
    assert inputs[:, masked].eq(SHAPE.vocab - 1).all()
    assert torch.equal(targets[:, masked], tokens[:, masked])
    assert torch.equal(inputs[:, given], tokens[:, given])
    assert targets[:, given].eq(-100).all()


def test_a_single_token_is_a_training_batch_too(model: Encoder, tokens: torch.Tensor) -> None:
    """It is masked: a loss over no target would be no number."""
    _, targets = model.training_batch(tokens[:, :2])
    assert torch.equal(targets, tokens[:, :1])


def test_every_parameter_learns(model: Encoder, tokens: torch.Tensor) -> None:
    inputs, targets = model.training_batch(tokens)
    cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_the_same_seed_gives_the_same_model(operator: Operator) -> None:
    one, other = made(operator, 3).state_dict(), made(operator, 3).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@torch.inference_mode()
def test_both_operators_give_the_same_embedding(tokens: torch.Tensor) -> None:
    one, other = (made(operator()) for operator in (Sdpa, Math))
    expected = one(tokens, state=one.new_state(2, 12))
    found = other(tokens, state=other.new_state(2, 12))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
