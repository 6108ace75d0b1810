"""GPT-3's Transformer (Brown et al. 2020, arXiv 2005.14165; Radford et al. 2019, GPT-2).

Decoder-only, LayerNorm before each sub-layer and at the end, learned positions, GELU in its tanh
form, the output head tied to the token embedding. The other architectures build on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from harness.model.attention import CrossAttention, KeysValues
from harness.model.language import LanguageModel
from harness.model.mixer import LayerState, MixerFactory
from harness.model.shape import Shape


class DecodeState:
    """The states of all layers, and the number of tokens in them.

    `further` of the `capacity` tokens come after the prompt.
    """

    def __init__(self, layers: Sequence[LayerState], capacity: int, further: int = 0) -> None:
        self.layers = layers
        self.capacity, self.further = capacity, further
        self.position = 0

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens and start a new sequence."""
        if position != 0:
            raise ValueError(
                "rewind goes to position 0 only: use snapshot and restore for other positions"
            )
        self.position = 0

    def bytes(self) -> int:
        """Bytes allocated for the states of all layers."""
        return sum(layer.bytes() for layer in self.layers)

    def snapshot(self) -> Snapshot:
        """The present state; it can be restored any number of times."""
        return Snapshot(self.position, [layer.snapshot(self.position) for layer in self.layers])

    def restore(self, snapshot: Snapshot) -> None:
        """Return to the state of the snapshot."""
        self.position = snapshot.position
        for layer, saved in zip(self.layers, snapshot.layers, strict=True):
            layer.restore(saved)


@dataclass(frozen=True)
class Snapshot:
    """A copy of a decode state."""

    position: int
    layers: list[Any]


class Block(nn.Module):
    """x + mixer(norm(x)), x + cross(norm(x)) if it crosses, then x + feed-forward(norm(x))."""

    def __init__(
        self, shape: Shape, factory: MixerFactory, layer: int, *, crosses: bool = False
    ) -> None:
        super().__init__()
        self.layer = layer  # its original index; pruning may have moved it since
        self.ln_1 = nn.LayerNorm(shape.d_model)
        self.mixer = factory(shape, layer)
        self.cross = CrossAttention(shape) if crosses else None
        self.ln_2 = nn.LayerNorm(shape.d_model)
        self.up = nn.Linear(shape.d_model, shape.width)
        self.down = nn.Linear(shape.width, shape.d_model)

    def forward(
        self,
        x: torch.Tensor,
        state: LayerState | None = None,
        past: int = 0,
        seen: KeysValues | None = None,
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]; cross-attention attends to `seen`."""
        x = x + self.mixer(self.ln_1(x), state, past)
        if self.cross is not None:
            x = x + self.cross(x, seen)
        hidden = functional.gelu(self.up(self.ln_2(x)), approximate="tanh")  # [B, T, 4D]
        out: torch.Tensor = x + self.down(hidden)
        return out

    @property
    def residual_projections(self) -> list[nn.Linear]:
        """The last projection of each sub-layer, which adds to the residual stream."""
        crossing = [] if self.cross is None else [self.cross.out]
        return [self.mixer.residual_projection, *crossing, self.down]


class Transformer(LanguageModel):
    """The built-in decoder; the other built-in architectures derive from it."""

    shape: Shape

    def __init__(self, shape: Shape, factory: MixerFactory) -> None:
        super().__init__()
        self.shape, self.factory = shape, factory
        self.wte = nn.Embedding(shape.vocab, shape.d_model)
        self.wpe = nn.Embedding(shape.context, shape.d_model)
        self.blocks = nn.ModuleList(self._new_blocks(factory))
        self.ln_f = nn.LayerNorm(shape.d_model)
        # A Linear even if tied, so that compressions of Linear layers find it.
        self.head = nn.Linear(shape.d_model, shape.vocab, bias=False)
        if shape.tied:
            self.head.weight = self.wte.weight

    def forward(
        self,
        tokens: torch.Tensor,
        state: DecodeState | None = None,
        last_only: bool = False,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone.

        With a state, the tokens follow the state's tokens and are added to it. `positions` [T] are
        the tokens' positions if the tokens are only a part of the sequence.
        """
        past = state.position if state is not None else 0
        length = tokens.shape[1]
        x = self.embeddings(tokens, past, positions)
        for layer, block in enumerate(self.blocks):
            x = block(x, None if state is None else state.layers[layer], past)
        if state is not None:
            state.position = past + length
        return self.logits(x, last_only)

    def embeddings(
        self, tokens: torch.Tensor, past: int = 0, positions: torch.Tensor | None = None
    ) -> torch.Tensor:
        """[B, T] token ids, at `positions` or from position `past` on -> [B, T, D]."""
        if positions is None:
            x: torch.Tensor = self.wte(tokens) + self.wpe.weight[past : past + tokens.shape[1]]
            return x
        return self.wte(tokens) + self.wpe(positions)  # type: ignore[no-any-return]

    def logits(self, x: torch.Tensor, last_only: bool) -> torch.Tensor:
        """[B, T, D] residual stream -> logits [B, T, vocab], or [B, 1, vocab] of the last token."""
        logits: torch.Tensor = self.head(self.ln_f(x[:, -1:] if last_only else x))
        return logits

    def new_state(self, batch: int, capacity: int, further: int = 0) -> DecodeState:
        """An empty decode state for `batch` sequences of up to `capacity` tokens.

        `further` of them come after the prompt; some architectures store those elsewhere.
        """
        return DecodeState(self._layer_states(batch, capacity), capacity, further)

    def stacks(self) -> list[list[Block]]:
        """The blocks of each residual stream, first to last."""
        return [blocks_of(self)]

    def prompt_modules(self) -> list[nn.Module]:
        """The modules that only the pass over a prompt reads."""
        return []

    def _new_blocks(self, factory: MixerFactory) -> Iterator[Block]:
        return (Block(self.shape, factory, layer) for layer in range(self.shape.layers))

    def _layer_states(self, batch: int, capacity: int) -> list[LayerState]:
        like = self.wpe.weight  # no compression changes the format of embeddings
        return [
            block.mixer.new_state(batch, capacity, like.device, like.dtype)
            for block in blocks_of(self)
        ]


def blocks_of(model: Transformer) -> list[Block]:
    """The blocks, first to last; of an encoder-decoder, the decoder's blocks."""
    return block_list(model.blocks)


def block_list(blocks: nn.ModuleList) -> list[Block]:
    """The modules as Blocks, because a ModuleList does not declare their type."""
    return [cast("Block", block) for block in blocks]
