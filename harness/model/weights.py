"""Reads and writes weights in GPT-2's layout, as safetensors files, never as pickles.

The layout is Hugging Face's GPT2LMHeadModel: names as below, optionally with the prefix
`transformer.`. Its Conv1D stores weights as [in, out], the transpose of torch's Linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from harness.errors import HarnessError
from harness.model.attention import Attention
from harness.model.layout import (
    HEAD,
    LayoutError,
    bare,
    differences,
    foreign,
    read_header,
)
from harness.model.transformer import Block, Transformer, blocks_of


class WeightsError(HarnessError):
    """A weights file cannot be read, or does not fit the model."""


def load_gpt2_layout(model: Transformer, path: str | Path) -> None:
    """Load the file's weights into the model. Raises WeightsError if they do not fit."""
    expected = _parameters(model)
    found = _read(Path(path), {name: tuple(one.shape) for name, (one, _) in expected.items()})
    with torch.no_grad():
        for name, (parameter, transposed) in expected.items():
            parameter.copy_(found[name].t() if transposed else found[name])


def save_gpt2_layout(model: Transformer, path: str | Path) -> None:
    """Write the model's weights; the inverse of load_gpt2_layout."""
    tensors = {
        name: (parameter.detach().t() if transposed else parameter.detach()).contiguous()
        for name, (parameter, transposed) in _parameters(model).items()
    }
    save_file(tensors, path)


def _read(path: Path, expected: Mapping[str, tuple[int, ...]]) -> Mapping[str, torch.Tensor]:
    """The file's tensors. Checks the header before it reads them."""
    try:
        header = dict(read_header(path))
        if reason := foreign(header):
            raise WeightsError(f"{path}: {reason}")
        tied = HEAD not in expected and header.pop(HEAD, None) is not None
        if reason := differences(header, expected):
            raise WeightsError(f"{path} does not fit the model: {reason}")
        tensors = {bare(name): tensor for name, tensor in load_file(path).items()}
    except (LayoutError, OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
    if tied and not torch.equal(tensors[HEAD], tensors["wte.weight"]):
        raise WeightsError(
            f"{path}: {HEAD} differs from wte.weight, but this model's head is tied to it "
            f"(set tied: false for an untied head)"
        )
    return tensors


def _parameters(model: Transformer) -> dict[str, tuple[torch.Tensor, bool]]:
    """Each parameter by its name in the file, and whether the file stores it transposed."""
    if type(model) is not Transformer:
        raise WeightsError(
            f"GPT-2 weights are for decoders; this model is an {model.shape.architecture}"
        )
    named = {
        "wte.weight": (model.wte.weight, False),
        "wpe.weight": (model.wpe.weight, False),
        **_norm("ln_f", model.ln_f),
    }
    if not model.shape.tied:
        named[HEAD] = (model.head.weight, False)
    for layer, block in enumerate(blocks_of(model)):
        named.update(_block(f"h.{layer}", block))
    return named


def _block(name: str, block: Block) -> dict[str, tuple[torch.Tensor, bool]]:
    if not isinstance(block.mixer, Attention):
        raise WeightsError(
            "GPT-2 weights need an attention operator; this operator is not attention"
        )
    return {
        **_norm(f"{name}.ln_1", block.ln_1),
        **_linear(f"{name}.attn.c_attn", block.mixer.qkv),
        **_linear(f"{name}.attn.c_proj", block.mixer.out),
        **_norm(f"{name}.ln_2", block.ln_2),
        **_linear(f"{name}.mlp.c_fc", block.up),
        **_linear(f"{name}.mlp.c_proj", block.down),
    }


def _norm(name: str, norm: nn.LayerNorm) -> dict[str, tuple[torch.Tensor, bool]]:
    return {f"{name}.weight": (norm.weight, False), f"{name}.bias": (norm.bias, False)}


def _linear(name: str, linear: nn.Linear) -> dict[str, tuple[torch.Tensor, bool]]:
    return {f"{name}.weight": (linear.weight, True), f"{name}.bias": (linear.bias, False)}
