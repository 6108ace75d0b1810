"""The same weights give the same logits in Hugging Face's GPT-2, an implementation apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from harness import operators
from harness.model.build import build
from harness.model.shape import Shape
from harness.model.transformer import Transformer
from harness.model.weights import load_gpt2_layout, save_gpt2_layout
from harness.operators.math import Math
from harness.operators.sdpa import Sdpa

MakeModel = Callable[..., Transformer]


def twin_of(shape: Shape) -> Any:
    """Hugging Face's model of that shape, with random weights, biases and norms."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=shape.vocab,
        n_positions=shape.context,
        n_embd=shape.d_model,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_inner=shape.width,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    twin: Any = GPT2LMHeadModel(config)
    twin.eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in twin.parameters():  # a fresh one's biases are all zero, and hide errors
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return twin


@pytest.fixture
def twin(shape: Shape) -> Any:
    return twin_of(shape)


@pytest.fixture
def tokens(shape: Shape) -> torch.Tensor:
    """As many as the context holds."""
    generator = torch.Generator().manual_seed(2)
    return torch.randint(shape.vocab, (3, shape.context), generator=generator)


@pytest.fixture
def expected(twin: Any, tokens: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = twin(tokens).logits
    return logits


@pytest.fixture
def file(twin: Any, tmp_path: Path) -> Path:
    """The twin's weights as its own library writes them."""
    twin.save_pretrained(tmp_path)
    return tmp_path / "model.safetensors"


exact = pytest.mark.parametrize("operator", [Sdpa, Math])


@exact
@torch.inference_mode()
def test_prefill_gives_hugging_faces_logits(
    operator: type[operators.Operator],
    shape: Shape,
    file: Path,
    tokens: torch.Tensor,
    expected: torch.Tensor,
) -> None:
    model = build(shape, operator().mixer, device=torch.device("cpu"))
    load_gpt2_layout(model, file)
    torch.testing.assert_close(model(tokens), expected, atol=1e-4, rtol=1e-4)


@exact
@torch.inference_mode()
def test_token_by_token_decode_gives_hugging_faces_logits(
    operator: type[operators.Operator],
    shape: Shape,
    file: Path,
    tokens: torch.Tensor,
    expected: torch.Tensor,
) -> None:
    model = build(shape, operator().mixer, device=torch.device("cpu"))
    load_gpt2_layout(model, file)
    state = model.new_state(tokens.shape[0], shape.context)
    steps = [model(token, state=state) for token in tokens.split(1, dim=1)]
    torch.testing.assert_close(torch.cat(steps, dim=1), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_whole_state_dict_is_read(
    make_model: MakeModel, twin: Any, tmp_path: Path, tokens: torch.Tensor, expected: torch.Tensor
) -> None:
    """With the tied head written beside its twin, as safetensors without care does."""
    tensors = {name: tensor.clone() for name, tensor in twin.state_dict().items()}
    assert "lm_head.weight" in tensors
    save_file(tensors, tmp_path / "whole.safetensors")
    model = make_model()
    load_gpt2_layout(model, tmp_path / "whole.safetensors")
    torch.testing.assert_close(model(tokens), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_old_files_with_bare_names_and_mask_buffers_are_read(
    make_model: MakeModel, twin: Any, tmp_path: Path, tokens: torch.Tensor, expected: torch.Tensor
) -> None:
    """As the first published GPT-2 files are."""
    tensors = {name: tensor.clone() for name, tensor in twin.transformer.state_dict().items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 32, 32)
    tensors["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(tensors, tmp_path / "old.safetensors")
    model = make_model()
    load_gpt2_layout(model, tmp_path / "old.safetensors")
    torch.testing.assert_close(model(tokens), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_hugging_face_reads_what_is_written(
    make_model: MakeModel, shape: Shape, tmp_path: Path, tokens: torch.Tensor
) -> None:
    """The way back: this Transformer's weights, in a file, in Hugging Face's model."""
    from safetensors.torch import load_file

    model = make_model(seed=9)
    save_gpt2_layout(model, tmp_path / "ours.safetensors")
    twin = twin_of(shape)
    keys = twin.transformer.load_state_dict(load_file(tmp_path / "ours.safetensors"))
    assert keys.missing_keys == keys.unexpected_keys == []
    torch.testing.assert_close(twin(tokens).logits, model(tokens), atol=1e-4, rtol=1e-4)
