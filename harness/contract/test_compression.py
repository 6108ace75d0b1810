"""What every compression promises; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from harness.compression import Compression, layers_of
from harness.contract.plugin import choice_of, example_of
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.artifact import load, save, verify
from harness.model.build import build
from harness.model.measure import model_bytes, nonzero_count, parameter_count
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText

NANO = SIZES["nano"].shape
# An entry is tested on the first of these models that it supports.
SHAPES = (NANO, NANO.model_copy(update={"tied": not NANO.tied}))
# Options of entries that train, if they have them.
BRIEF = {"steps": 2, "length": 16}


@pytest.fixture
def trained(entry: type[Compression]) -> Compression:
    """The entry with default options and brief training."""
    fields = entry.Options.model_fields
    brief = {name: value for name, value in BRIEF.items() if entry.trains and name in fields}
    given = example_of(entry).options.model_dump(exclude_unset=True)
    return entry(entry.Options(**given, **brief))


@pytest.fixture
def chosen(trained: Compression, make_cell: Callable[..., Cell], host: Host) -> Compression:
    """The same; skips an entry that supports no model on the CPU."""
    reasons = [trained.unsupported(cell_of(trained, one, make_cell), host) for one in SHAPES]
    if all(reasons):
        pytest.skip(f"supports no model here: {reasons[0]}")
    return trained


@pytest.fixture
def shape(chosen: Compression, make_cell: Callable[..., Cell], host: Host) -> Shape:
    """The shape of the first model that the entry supports."""
    return next(
        one for one in SHAPES if chosen.unsupported(cell_of(chosen, one, make_cell), host) is None
    )


def cell_of(
    chosen: Compression, shape: Shape, make_cell: Callable[..., Cell], precision: str = "fp32"
) -> Cell:
    """A cell whose model has trained weights."""
    options = {**shape.model_dump(exclude_defaults=True), "weights": "w"}
    return make_cell(
        model=Choice("decoder", tuple(sorted(options.items()))),
        compression=(choice_of(chosen),),
        precision=Choice(precision),
    )


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(NANO.vocab, (2, 24), generator=torch.Generator().manual_seed(1))


def dense(shape: Shape) -> Transformer:
    return build(shape, Sdpa().mixer, unmasked=Sdpa().unmasked, device=torch.device("cpu"))


def compressed(
    chosen: Compression, shape: Shape, dtype: torch.dtype = torch.float32
) -> Transformer:
    with torch.inference_mode(mode=False):  # as in preparation, because some entries train
        model = chosen.apply(dense(shape), RandomText(shape.vocab))
        return model.to(dtype)  # preparation casts after compressing, too


def read(path: Path, chosen: Compression) -> Transformer:
    """The model from a file, loaded with the entry's layers, as a round does."""
    layers = layers_of([type(chosen)])
    return load(path, Sdpa().mixer, torch.device("cpu"), layers=layers)


@torch.inference_mode()
def test_a_compressed_model_gives_finite_logits(
    chosen: Compression, shape: Shape, tokens: torch.Tensor
) -> None:
    """With the dense model's shape and dtype."""
    expected, logits = dense(shape)(tokens), compressed(chosen, shape)(tokens)
    assert (logits.shape, logits.dtype) == (expected.shape, expected.dtype)
    assert logits.isfinite().all()


@torch.inference_mode()
def test_a_compressed_model_decodes(
    chosen: Compression, shape: Shape, tokens: torch.Tensor
) -> None:
    """Token by token it gives the same logits as in one pass."""
    model = compressed(chosen, shape)
    state = model.new_state(2, 24)
    for token in tokens.split(1, dim=1):
        logits = model(token, state=state)
    assert state.position == 24
    # Activations quantised per batch, or rounded to bfloat16, differ between the two.
    tolerance = 0.05 if chosen.rounds else 1e-4
    whole = model(tokens)[:, -1:]
    assert (logits - whole).norm() <= tolerance * whole.norm()


@torch.inference_mode()
def test_a_file_restores_the_same_model_to_the_bit(
    chosen: Compression, shape: Shape, tokens: torch.Tensor, tmp_path: Path
) -> None:
    """Same logits, same counts, and the same file when written again."""
    model = compressed(chosen, shape)
    first, second = tmp_path / "first", tmp_path / "second"
    save(model, first)
    verify(first)
    again = read(first, chosen)
    assert torch.equal(again(tokens), model(tokens))
    for count in (parameter_count, nonzero_count, model_bytes):
        assert count(again) == count(model)
    save(again, second)
    assert first.read_bytes() == second.read_bytes()


@torch.inference_mode()
def test_it_runs_in_bfloat16_or_is_unsupported(
    chosen: Compression,
    shape: Shape,
    tokens: torch.Tensor,
    make_cell: Callable[..., Cell],
    host: Host,
    tmp_path: Path,
) -> None:
    cell = cell_of(chosen, shape, make_cell, "bf16")
    if reason := chosen.unsupported(cell, host):
        assert "bf16" in reason
        return
    model = compressed(chosen, shape, dtype=torch.bfloat16)
    logits = model(tokens)
    assert logits.dtype is torch.bfloat16
    assert logits.isfinite().all()
    save(model, tmp_path / "file")
    again = read(tmp_path / "file", chosen)
    assert torch.equal(again(tokens), logits)
    state = model.new_state(2, 24)
    assert model(tokens, state=state).isfinite().all()


@torch.inference_mode()
@pytest.mark.parametrize("readout", ["sequence", "concat"])
def test_a_compressed_encoder_decoder_gives_logits(
    chosen: Compression, shape: Shape, tokens: torch.Tensor, readout: str
) -> None:
    """Cross-attention and readout are compressed like the rest, or left unchanged."""
    if chosen.decoders:
        pytest.skip("supports decoders only")
    shape = EncoderDecoderShape.model_validate({**shape.model_dump(), "readout": readout})
    model = compressed(chosen, shape)
    state = model.new_state(2, 28, further=4)
    for piece in (tokens, *tokens[:, :4].split(1, dim=1)):
        logits = model(piece, state=state)
    assert (tuple(logits.shape), state.position) == ((2, 1, NANO.vocab), 28)
    assert logits.isfinite().all()


@torch.inference_mode()
def test_a_compressed_encoder_gives_finite_embeddings(
    chosen: Compression, shape: Shape, tokens: torch.Tensor
) -> None:
    if chosen.decoders:
        pytest.skip("supports decoders only")
    model = compressed(chosen, EncoderShape(**shape.model_dump()))
    embedding = model(tokens, state=model.new_state(2, 24))
    assert tuple(embedding.shape) == (2, 1, NANO.d_model)
    assert embedding.isfinite().all()


@torch.inference_mode()
def test_compression_is_deterministic(
    chosen: Compression, shape: Shape, tokens: torch.Tensor
) -> None:
    """So that quality, measured once, holds for every round."""
    assert torch.equal(compressed(chosen, shape)(tokens), compressed(chosen, shape)(tokens))


def test_a_differentiable_compression_can_be_trained(
    chosen: Compression, shape: Shape, tokens: torch.Tensor
) -> None:
    if not chosen.differentiable:
        pytest.skip("not differentiable")
    model = compressed(chosen, shape)
    model(tokens).square().mean().backward()
    assert all(
        one.grad is not None and one.grad.isfinite().all()
        for one in model.parameters()
        if one.requires_grad
    )


def test_a_compressed_model_is_trainable_from_its_file(
    chosen: Compression, shape: Shape, tokens: torch.Tensor, tmp_path: Path
) -> None:
    """The same parameters require gradients."""
    if not chosen.differentiable:
        pytest.skip("not differentiable")
    model = compressed(chosen, shape)
    save(model, tmp_path / "file")
    again = read(tmp_path / "file", chosen)
    ours, theirs = (
        {name for name, one in each.named_parameters() if one.requires_grad}
        for each in (again, model)
    )
    assert ours == theirs
