"""GPT-3's Transformer (Brown et al. 2020, arXiv 2005.14165; Radford et al. 2019, GPT-2).

Decoder-only, LayerNorm before each sub-layer and at the end, learned positions, GELU in its
tanh form, token embedding and output head tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from harness.model.mixer import LayerState, MixerFactory
from harness.model.shape import Shape

_INIT_STD = 0.02  # GPT-2's


class DecodeState:
    """What all layers remember, and how many tokens that is."""

    def __init__(self, layers: Sequence[LayerState], capacity: int) -> None:
        self.layers = layers
        self.capacity = capacity
        self.position = 0

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens: what follows starts a new sequence."""
        if position != 0:
            raise ValueError("a state goes back to a position by snapshot and restore")
        self.position = 0

    def bytes(self) -> int:
        """Bytes that the state of all layers takes, as it is allocated."""
        return sum(layer.bytes() for layer in self.layers)

    def snapshot(self) -> Snapshot:
        """A moment to come back to, any number of times."""
        return Snapshot(self.position, [layer.snapshot(self.position) for layer in self.layers])

    def restore(self, snapshot: Snapshot) -> None:
        """Be as at the snapshot."""
        self.position = snapshot.position
        for layer, kept in zip(self.layers, snapshot.layers, strict=True):
            layer.restore(kept)


@dataclass(frozen=True)
class Snapshot:
    """A decode state's moment."""

    position: int
    layers: list[Any]


class Block(nn.Module):
    """x + mix(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, shape: Shape, factory: MixerFactory, layer: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.d_model)
        self.mixer = factory(shape, layer)
        self.ln_2 = nn.LayerNorm(shape.d_model)
        self.up = nn.Linear(shape.d_model, shape.width)
        self.down = nn.Linear(shape.width, shape.d_model)

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        x = x + self.mixer(self.ln_1(x), state, past)
        hidden = functional.gelu(self.up(self.ln_2(x)), approximate="tanh")  # [B, T, 4D]
        out: torch.Tensor = x + self.down(hidden)
        return out


class Transformer(nn.Module):
    """Token ids in, logits out."""

    def __init__(self, shape: Shape, factory: MixerFactory) -> None:
        super().__init__()
        self.shape = shape
        self.wte = nn.Embedding(shape.vocab, shape.d_model)
        self.wpe = nn.Embedding(shape.context, shape.d_model)
        self.blocks = nn.ModuleList(Block(shape, factory, layer) for layer in range(shape.layers))
        self.ln_f = nn.LayerNorm(shape.d_model)
        # A Linear, though tied, so that what replaces Linears by cheaper ones finds it.
        self.head = nn.Linear(shape.d_model, shape.vocab, bias=False)
        self.head.weight = self.wte.weight

    def forward(
        self, tokens: torch.Tensor, state: DecodeState | None = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone.

        With a state the tokens follow those it holds, and are added to it.
        """
        past = state.position if state is not None else 0
        length = tokens.shape[1]
        x = self.wte(tokens) + self.wpe.weight[past : past + length]  # -> B x T x D
        for layer, block in enumerate(self.blocks):
            x = block(x, None if state is None else state.layers[layer], past)
        if state is not None:
            state.position = past + length
        logits: torch.Tensor = self.head(self.ln_f(x[:, -1:] if last_only else x))
        return logits

    def new_state(self, batch: int, capacity: int) -> DecodeState:
        """An empty decode state for `batch` sequences of up to `capacity` tokens."""
        where = self.wpe.weight  # embeddings stay as they are under every compression
        layers = [
            block.mixer.new_state(batch, capacity, where.device, where.dtype)
            for block in blocks_of(self)
        ]
        return DecodeState(layers, capacity)


def blocks_of(model: Transformer) -> list[Block]:
    """The blocks, first to last: a ModuleList does not tell what it holds."""
    return [cast("Block", block) for block in model.blocks]


def build(
    shape: Shape,
    factory: MixerFactory,
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Transformer:
    """A model with GPT-2's random initialisation, in eval mode; the same for the same seed.

    Torch's own initialisation is left out, so that each parameter is written once.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device), _Undrawn():
            model = Transformer(shape, factory)
    finally:
        torch.set_default_dtype(before)
    _initialise(model, torch.Generator(device).manual_seed(seed))
    return model.eval()


class _Undrawn(TorchFunctionMode):
    """Inside it nothing is drawn at random: modules keep their memory as it comes."""

    # Those of nn.init are asked about as a whole, and what they call is not asked about again.
    _DRAWN = (
        *(torch.Tensor.uniform_, torch.Tensor.normal_),
        *(nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_),
    )

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any | None = None
    ) -> Any:
        given = kwargs or {}
        if func in self._DRAWN:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


@torch.no_grad()
def _initialise(model: Transformer, generator: torch.Generator) -> None:
    """Normal of deviation 0.02; those that add to the residual stream less, by the depth."""
    scaled = {
        id(linear.weight)
        for block in blocks_of(model)
        for linear in (block.mixer.residual_projection, block.down)
    }
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.weight.fill_(1.0)
            module.bias.zero_()
        elif isinstance(module, (nn.Linear, nn.Embedding)):
            depth = (2 * model.shape.layers) ** -0.5 if id(module.weight) in scaled else 1.0
            if module is not model.head:  # tied: written as the embedding
                module.weight.normal_(std=_INIT_STD * depth, generator=generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
