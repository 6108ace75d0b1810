"""Builds a shape's model, with GPT-2's random initialisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from harness.model.architectures import EncoderDecoderShape
from harness.model.encoder import Encoder
from harness.model.encoder_decoder import EncoderDecoder
from harness.model.mixer import MixerFactory
from harness.model.shape import Shape
from harness.model.transformer import Block, Transformer

_INIT_STD = 0.02  # as in GPT-2


def build(
    shape: Shape,
    factory: MixerFactory,
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    unmasked: MixerFactory | None = None,
) -> Transformer:
    """A model with GPT-2's random initialisation, in eval mode; the same for the same seed.

    Torch's own initialisation is skipped, so that each parameter is written once. `unmasked` makes
    the mixers of bidirectional layers; a decoder needs none.
    """
    model = uninitialised(shape, factory, unmasked, device, dtype)
    _initialise(model, torch.Generator(device).manual_seed(seed))
    return model.eval()


def uninitialised(
    shape: Shape,
    factory: MixerFactory,
    unmasked: MixerFactory | None,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
) -> Transformer:
    """A model whose parameters are allocated but not yet written."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device), _SkipInit():
            return assembled(shape, factory, unmasked)
    finally:
        torch.set_default_dtype(before)


def assembled(
    shape: Shape, factory: MixerFactory, unmasked: MixerFactory | None = None
) -> Transformer:
    """A model of the shape's architecture, with torch's initialisation; see `build`."""
    if not shape.bidirectional:
        return Transformer(shape, factory)
    assert unmasked is not None, f"an {shape.architecture} needs unmasked mixers"
    if isinstance(shape, EncoderDecoderShape):
        return EncoderDecoder(shape, factory, unmasked)
    return Encoder(shape, unmasked)


class _SkipInit(TorchFunctionMode):
    """Skips random initialisation: new modules keep uninitialised memory."""

    # Torch calls __torch_function__ for a function of nn.init, and not again for what it calls.
    _RANDOM = (
        *(torch.Tensor.uniform_, torch.Tensor.normal_),
        *(nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_),
    )

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any | None = None
    ) -> Any:
        keywords = kwargs or {}
        if func in self._RANDOM:
            return keywords["tensor"] if "tensor" in keywords else args[0]
        return func(*args, **keywords)


@torch.no_grad()
def _initialise(model: Transformer, generator: torch.Generator) -> None:
    """Normal with standard deviation 0.02, for n residual projections of a stack 0.02 / sqrt(n)."""
    scaled = {
        id(weight): len(weights) ** -0.5
        for weights in map(_residual_weights, model.stacks())
        for weight in weights
    }
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.weight.fill_(1.0)
            module.bias.zero_()
        elif isinstance(module, (nn.Linear, nn.Embedding)):
            if (
                module is not model.head or not model.shape.tied
            ):  # a tied head is written as the embedding
                scale = scaled.get(id(module.weight), 1.0)
                _draw(module.weight, _INIT_STD * scale, generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()


def _draw(weight: torch.Tensor, std: float, generator: torch.Generator) -> None:
    """Fill with normal numbers, drawn in fp32 because torch may draw others in bf16."""
    drawn = torch.empty(weight.shape, dtype=torch.float32, device=weight.device)
    weight.copy_(drawn.normal_(std=std, generator=generator))


def _residual_weights(stack: Sequence[Block]) -> list[torch.Tensor]:
    return [linear.weight for block in stack for linear in block.residual_projections]
