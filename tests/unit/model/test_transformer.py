"""The Transformer's own promises; against another implementation in test_hugging_face.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness.model.shape import Shape
from harness.model.transformer import Transformer, blocks_of

MakeModel = Callable[..., Transformer]


@pytest.fixture
def tokens(shape: Shape) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(shape.vocab, (2, 12), generator=generator)


def test_the_same_seed_gives_the_same_model(make_model: MakeModel) -> None:
    """To the bit: rounds are comparable, and quality needs measuring once."""
    one, other = make_model(seed=3).state_dict(), make_model(seed=3).state_dict()
    assert list(one) == list(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_another_seed_gives_another_model(make_model: MakeModel) -> None:
    assert not torch.equal(make_model(seed=3).wte.weight, make_model(seed=4).wte.weight)


def test_building_leaves_torchs_own_state_alone(make_model: MakeModel) -> None:
    """Nor does the asked precision become torch's own."""
    before = torch.random.get_rng_state(), torch.get_default_dtype()
    make_model(seed=3, dtype=torch.bfloat16)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == torch.get_default_dtype()


def test_weights_start_as_gpt2s(make_model: MakeModel) -> None:
    """Deviation 0.02, by 1/sqrt(2 x layers) less where a block adds to the residual stream."""
    model = make_model(Shape(layers=8, d_model=128, heads=2, vocab=500, context=64))
    block = blocks_of(model)[5]
    scaled = 0.02 / 4
    assert model.wte.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.up.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.down.weight.std().item() == pytest.approx(scaled, rel=0.05)
    assert block.mixer.residual_projection.weight.std().item() == pytest.approx(scaled, rel=0.05)
    assert not block.up.bias.any()
    assert block.ln_1.weight.eq(1).all()


def test_the_head_is_the_token_embedding(make_model: MakeModel) -> None:
    """One tensor: a gradient into either reaches both."""
    model = make_model()
    assert model.head.weight is model.wte.weight


def test_the_model_is_made_in_the_asked_precision(make_model: MakeModel) -> None:
    model = make_model(dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


def test_a_new_model_is_ready_for_inference(make_model: MakeModel) -> None:
    assert not make_model().training


@torch.inference_mode()
def test_the_last_token_alone_is_scored_if_asked(
    make_model: MakeModel, tokens: torch.Tensor
) -> None:
    model = make_model()
    last = model(tokens, last_only=True)
    assert last.shape == (2, 1, model.shape.vocab)
    torch.testing.assert_close(last, model(tokens)[:, -1:])


@torch.inference_mode()
def test_a_state_counts_its_tokens(make_model: MakeModel, tokens: torch.Tensor) -> None:
    model = make_model()
    state = model.new_state(2, 20)
    model(tokens, state=state)
    assert (state.position, state.capacity) == (12, 20)


@torch.inference_mode()
def test_a_rewound_state_starts_a_new_sequence(make_model: MakeModel, tokens: torch.Tensor) -> None:
    model = make_model()
    state = model.new_state(2, 20)
    first = model(tokens, state=state)
    state.rewind()
    assert torch.equal(first, model(tokens, state=state))


def test_a_state_rewinds_only_to_its_start(make_model: MakeModel) -> None:
    """In between, an operator that sums up what it saw cannot go back."""
    with pytest.raises(ValueError, match="snapshot and restore"):
        make_model().new_state(1, 8).rewind(3)


def test_every_parameter_learns(make_model: MakeModel, tokens: torch.Tensor) -> None:
    """Gradients reach each one, and are finite."""
    model = make_model()
    model(tokens).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
