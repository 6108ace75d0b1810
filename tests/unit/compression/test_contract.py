"""What every compression promises; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness import compression
from harness.compression import Compression
from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer, build
from harness.operators.sdpa import Sdpa

NANO = SIZES["nano"].shape

pytestmark = pytest.mark.parametrize(
    "entry", compression.registry.entries(), ids=lambda one: one.name
)


@pytest.fixture
def chosen(entry: type[Compression], example: Callable[[type[Entry]], Entry]) -> Compression:
    made = example(entry)
    assert isinstance(made, Compression)
    return made


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(NANO.vocab, (2, 24), generator=torch.Generator().manual_seed(1))


def nano(shape: Shape = NANO) -> Transformer:
    return build(shape, Sdpa().mixer, unmasked=Sdpa().unmasked, device=torch.device("cpu"))


@torch.inference_mode()
def test_a_compressed_model_gives_finite_logits(chosen: Compression, tokens: torch.Tensor) -> None:
    """Of the same shape and type as the dense model's."""
    dense, logits = nano()(tokens), chosen.apply(nano())(tokens)
    assert (logits.shape, logits.dtype) == (dense.shape, dense.dtype)
    assert logits.isfinite().all()


@torch.inference_mode()
def test_a_compressed_model_decodes(chosen: Compression, tokens: torch.Tensor) -> None:
    """It still makes states, and takes tokens one by one."""
    model = chosen.apply(nano())
    state = model.new_state(2, 24)
    for token in tokens.split(1, dim=1):
        logits = model(token, state=state)
    assert state.position == 24
    assert logits.isfinite().all()


@torch.inference_mode()
@pytest.mark.parametrize("readout", ["sequence", "concat"])
def test_a_compressed_encoder_decoder_answers(
    chosen: Compression, tokens: torch.Tensor, readout: str
) -> None:
    """Its cross-attention and readout are compressed like the rest, or left as they are."""
    shape = EncoderDecoderShape.model_validate({**NANO.model_dump(), "readout": readout})
    model = chosen.apply(nano(shape))
    state = model.new_state(2, 28, further=4)
    for piece in (tokens, *tokens[:, :4].split(1, dim=1)):
        logits = model(piece, state=state)
    assert (tuple(logits.shape), state.position) == ((2, 1, NANO.vocab), 28)
    assert logits.isfinite().all()


@torch.inference_mode()
def test_a_compressed_encoder_gives_finite_embeddings(
    chosen: Compression, tokens: torch.Tensor
) -> None:
    model = chosen.apply(nano(EncoderShape(**NANO.model_dump())))
    embedding = model(tokens, state=model.new_state(2, 24))
    assert tuple(embedding.shape) == (2, 1, NANO.d_model)
    assert embedding.isfinite().all()


@torch.inference_mode()
def test_the_same_model_is_compressed_the_same_way(
    chosen: Compression, tokens: torch.Tensor
) -> None:
    """So quality, measured in one round, holds for the others."""
    assert torch.equal(chosen.apply(nano())(tokens), chosen.apply(nano())(tokens))


def test_a_model_said_to_be_trainable_is(chosen: Compression, tokens: torch.Tensor) -> None:
    if not chosen.differentiable:
        pytest.skip("says that it cannot be trained")
    model = chosen.apply(nano())
    model(tokens).square().mean().backward()
    assert all(
        one.grad is not None and one.grad.isfinite().all()
        for one in model.parameters()
        if one.requires_grad
    )


def test_a_plain_cpu_cell_is_supported(
    chosen: Compression, make_cell: Callable[..., Cell], host: Host
) -> None:
    cell = make_cell(compression=(Choice(type(chosen).name, chosen.options.canonical()),))
    assert chosen.unsupported(cell, host) is None
