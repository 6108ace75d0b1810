"""What every compression promises; a new entry is tested by being registered."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from harness import compression
from harness.compression import Compression
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.artifact import load, save, verify
from harness.model.measure import model_bytes, nonzero_count, parameter_count
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer, build
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText

NANO = SIZES["nano"].shape
# Where an entry has no use for the model that all others are tried on.
SHAPES = {"tie": NANO.model_copy(update={"tied": False})}
TAUGHT = {"steps": 2, "length": 16}
OPTIONS = {"distill": TAUGHT, "recover": TAUGHT}

ENTRIES = compression.registry.entries()
ON_CPU = [one for one in ENTRIES if one.name != "fp8"]

every_entry = pytest.mark.parametrize("entry", ON_CPU, ids=lambda one: one.name)


@pytest.fixture
def chosen(entry: type[Compression]) -> Compression:
    return entry(entry.Options(**OPTIONS.get(entry.name, {})))


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(NANO.vocab, (2, 24), generator=torch.Generator().manual_seed(1))


def dense(shape: Shape) -> Transformer:
    return build(shape, Sdpa().mixer, unmasked=Sdpa().unmasked, device=torch.device("cpu"))


def compressed(
    chosen: Compression, shape: Shape | None = None, dtype: torch.dtype = torch.float32
) -> Transformer:
    shape = shape or SHAPES.get(chosen.name, NANO)
    with torch.inference_mode(mode=False):  # as where models are prepared: some learn
        model = chosen.apply(dense(shape), RandomText(shape.vocab))
        return model.to(dtype)  # as where models are prepared, whatever their precision


@every_entry
@torch.inference_mode()
def test_a_compressed_model_gives_finite_logits(chosen: Compression, tokens: torch.Tensor) -> None:
    """Of the same shape and type as the dense model's."""
    expected, logits = dense(NANO)(tokens), compressed(chosen)(tokens)
    assert (logits.shape, logits.dtype) == (expected.shape, expected.dtype)
    assert logits.isfinite().all()


@every_entry
@torch.inference_mode()
def test_a_compressed_model_decodes(chosen: Compression, tokens: torch.Tensor) -> None:
    """It still makes states, and takes tokens one by one, giving what it gives to all at once."""
    model = compressed(chosen)
    state = model.new_state(2, 24)
    for token in tokens.split(1, dim=1):
        logits = model(token, state=state)
    assert state.position == 24
    # Activations quantised by the batch at hand or rounded to bfloat16 are not alike in both.
    rounds = {"int8-dynamic", "int8-static", "kv-int8", "int8-weight-only"}
    tolerance = 0.05 if chosen.name in rounds else 1e-4
    whole = model(tokens)[:, -1:]
    assert (logits - whole).norm() <= tolerance * whole.norm()


@every_entry
@torch.inference_mode()
def test_a_file_gives_the_same_model_to_the_bit(
    chosen: Compression, tokens: torch.Tensor, tmp_path: Path
) -> None:
    """Its logits, its counts, and the file that it would be written to again."""
    model = compressed(chosen)
    first, second = tmp_path / "first", tmp_path / "second"
    save(model, first)
    verify(first)
    again = load(first, Sdpa().mixer, torch.device("cpu"))
    assert torch.equal(again(tokens), model(tokens))
    for count in (parameter_count, nonzero_count, model_bytes):
        assert count(again) == count(model)
    save(again, second)
    assert first.read_bytes() == second.read_bytes()


@every_entry
@torch.inference_mode()
def test_it_runs_in_bfloat16_or_says_that_it_does_not(
    chosen: Compression,
    tokens: torch.Tensor,
    make_cell: Callable[..., Cell],
    host: Host,
    tmp_path: Path,
) -> None:
    choice = Choice(chosen.name, chosen.options.canonical())
    options = (("d_model", 64), ("heads", 2), ("layers", 2), ("tied", False), ("weights", "w"))
    cell = make_cell(
        model=Choice("decoder", options), compression=(choice,), precision=Choice("bf16")
    )
    if reason := chosen.unsupported(cell, host):
        assert "fp32 activations, not bf16" in reason
        return
    model = compressed(chosen, dtype=torch.bfloat16)
    logits = model(tokens)
    assert logits.dtype is torch.bfloat16
    assert logits.isfinite().all()
    save(model, tmp_path / "file")
    again = load(tmp_path / "file", Sdpa().mixer, torch.device("cpu"))
    assert torch.equal(again(tokens), logits)
    state = model.new_state(2, 24)
    assert model(tokens, state=state).isfinite().all()


@every_entry
@torch.inference_mode()
@pytest.mark.parametrize("readout", ["sequence", "concat"])
def test_a_compressed_encoder_decoder_answers(
    chosen: Compression, tokens: torch.Tensor, readout: str
) -> None:
    """Its cross-attention and readout are compressed like the rest, or left as they are."""
    if chosen.decoders:
        pytest.skip("says that it is for decoders")
    shape = SHAPES.get(chosen.name, NANO)
    shape = EncoderDecoderShape.model_validate({**shape.model_dump(), "readout": readout})
    model = compressed(chosen, shape)
    state = model.new_state(2, 28, further=4)
    for piece in (tokens, *tokens[:, :4].split(1, dim=1)):
        logits = model(piece, state=state)
    assert (tuple(logits.shape), state.position) == ((2, 1, NANO.vocab), 28)
    assert logits.isfinite().all()


@every_entry
@torch.inference_mode()
def test_a_compressed_encoder_gives_finite_embeddings(
    chosen: Compression, tokens: torch.Tensor
) -> None:
    if chosen.decoders:
        pytest.skip("says that it is for decoders")
    shape = SHAPES.get(chosen.name, NANO)
    model = compressed(chosen, EncoderShape(**shape.model_dump()))
    embedding = model(tokens, state=model.new_state(2, 24))
    assert tuple(embedding.shape) == (2, 1, NANO.d_model)
    assert embedding.isfinite().all()


@every_entry
@torch.inference_mode()
def test_the_same_model_is_compressed_the_same_way(
    chosen: Compression, tokens: torch.Tensor
) -> None:
    """So quality, measured once, holds for every round."""
    assert torch.equal(compressed(chosen)(tokens), compressed(chosen)(tokens))


@every_entry
def test_a_model_said_to_be_trainable_is(chosen: Compression, tokens: torch.Tensor) -> None:
    if not chosen.differentiable:
        pytest.skip("says that it cannot be trained")
    model = compressed(chosen)
    model(tokens).square().mean().backward()
    assert all(
        one.grad is not None and one.grad.isfinite().all()
        for one in model.parameters()
        if one.requires_grad
    )


@every_entry
def test_a_compressed_model_is_trainable_from_its_file(
    chosen: Compression, tokens: torch.Tensor, tmp_path: Path
) -> None:
    """What was a parameter is one again."""
    if not chosen.differentiable:
        pytest.skip("says that it cannot be trained")
    model = compressed(chosen)
    save(model, tmp_path / "file")
    again = load(tmp_path / "file", Sdpa().mixer, torch.device("cpu"))
    ours, theirs = (
        {name for name, one in each.named_parameters() if one.requires_grad}
        for each in (again, model)
    )
    assert ours == theirs


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.name)
def test_a_plain_cpu_cell_is_supported_or_told_why_not(
    chosen: Compression, make_cell: Callable[..., Cell], host: Host
) -> None:
    told = {
        "fp8": "needs a GPU",
        "distill": "random weights know nothing",
        "recover": "random weights know nothing",
        "tie": "a head of its own",
    }
    choice = Choice(chosen.name, chosen.options.canonical())
    reason = chosen.unsupported(make_cell(model=_decoder(), compression=(choice,)), host)
    assert (reason is None) == (chosen.name not in told)
    assert told.get(chosen.name, "") in (reason or "")


def _decoder() -> Choice:
    return Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2)))


def test_fp8_refuses_a_device_without_units_for_it() -> None:
    with pytest.raises(Unsupported, match=r"compute capability 8\.9"):
        compressed(compression.registry["fp8"]())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.name)
def test_what_it_keeps_and_its_source_are_told(entry: type[Compression]) -> None:
    """In the file's own words: newcomers look there first."""
    import sys

    told = sys.modules[entry.__module__].__doc__ or ""
    assert told.startswith(f"{entry.name}: ")
    assert re.search(r"arXiv \d{4}\.\d{4,5}", told)
