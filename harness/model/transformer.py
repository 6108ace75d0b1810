"""GPT-3's Transformer (Brown et al. 2020, arXiv 2005.14165; Radford et al. 2019, GPT-2).

Decoder-only, LayerNorm before each sub-layer and at the end, learned positions, GELU in its
tanh form, token embedding and output head tied. The other architectures build on it.
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
    """What all layers remember, and how many tokens that is.

    Of the `capacity` tokens `further` come behind the prompt.
    """

    def __init__(self, layers: Sequence[LayerState], capacity: int, further: int = 0) -> None:
        self.layers = layers
        self.capacity, self.further = capacity, further
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
    """x + mix(norm(x)), x + cross(norm(x)) if it has any, then x + feed-forward(norm(x))."""

    def __init__(
        self, shape: Shape, factory: MixerFactory, layer: int, *, crosses: bool = False
    ) -> None:
        super().__init__()
        self.layer = layer  # which one it was made as: others may have been taken out since
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
        """[B, T, D] -> [B, T, D]; `seen` is what cross-attention attends to."""
        x = x + self.mixer(self.ln_1(x), state, past)
        if self.cross is not None:
            x = x + self.cross(x, seen)
        hidden = functional.gelu(self.up(self.ln_2(x)), approximate="tanh")  # [B, T, 4D]
        out: torch.Tensor = x + self.down(hidden)
        return out

    @property
    def residual_projections(self) -> list[nn.Linear]:
        """The last projection of each sub-layer: what adds to the residual stream."""
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
        self.blocks = nn.ModuleList(self._made_blocks(factory))
        self.ln_f = nn.LayerNorm(shape.d_model)
        # A Linear, though tied, so that what replaces Linears by cheaper ones finds it.
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

        With a state the tokens follow those it holds, and are added to it. Where they are not all
        of their sequence, `positions` [T] says which they are.
        """
        past = state.position if state is not None else 0
        length = tokens.shape[1]
        x = self.embedded(tokens, past, positions)
        for layer, block in enumerate(self.blocks):
            x = block(x, None if state is None else state.layers[layer], past)
        if state is not None:
            state.position = past + length
        return self.scored(x, last_only)

    def embedded(
        self, tokens: torch.Tensor, past: int = 0, positions: torch.Tensor | None = None
    ) -> torch.Tensor:
        """[B, T] token ids, at `positions` or the first at position `past` -> [B, T, D]."""
        if positions is None:
            x: torch.Tensor = self.wte(tokens) + self.wpe.weight[past : past + tokens.shape[1]]
            return x
        return self.wte(tokens) + self.wpe(positions)  # type: ignore[no-any-return]

    def scored(self, x: torch.Tensor, last_only: bool) -> torch.Tensor:
        """[B, T, D] residual stream -> logits [B, T, vocab], or [B, 1, vocab] of the last."""
        logits: torch.Tensor = self.head(self.ln_f(x[:, -1:] if last_only else x))
        return logits

    def new_state(self, batch: int, capacity: int, further: int = 0) -> DecodeState:
        """An empty decode state for `batch` sequences of up to `capacity` tokens.

        `further` of them come behind the prompt, which to some architectures makes a difference.
        """
        return DecodeState(self._layer_states(batch, capacity), capacity, further)

    def stacks(self) -> list[list[Block]]:
        """The blocks, first to last, of each residual stream."""
        return [blocks_of(self)]

    def read_once(self) -> list[nn.Module]:
        """What only the pass over a prompt takes, beside what every pass does."""
        return []

    def _made_blocks(self, factory: MixerFactory) -> Iterator[Block]:
        return (Block(self.shape, factory, layer) for layer in range(self.shape.layers))

    def _layer_states(self, batch: int, capacity: int) -> list[LayerState]:
        where = self.wpe.weight  # embeddings stay as they are under every compression
        return [
            block.mixer.new_state(batch, capacity, where.device, where.dtype)
            for block in blocks_of(self)
        ]


def blocks_of(model: Transformer) -> list[Block]:
    """The blocks, first to last, of an encoder-decoder those of its decoder."""
    return listed(model.blocks)


def listed(blocks: nn.ModuleList) -> list[Block]:
    """A ModuleList does not tell what it holds."""
    return [cast("Block", block) for block in blocks]
