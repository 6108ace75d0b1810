"""An encoder that reads the prompt, and a decoder that produces tokens from it (Vaswani et al.
2017, arXiv 1706.03762, with the norms and positions of this package's decoder).

Both sides share the token embedding, which the head is tied to; each has its own positions. The
encoder hands on either all its states, which each layer of the decoder attends to; or one vector,
whatever the prompt's length: the mean over positions of each layer's output, since no position of
a bidirectional encoder stands for the whole; concatenated to layers x D numbers, projected to D.
That vector is added to the decoder's embeddings at every position. Attention to a single vector
would do no more, as its weight is always 1, and its query and key would compute nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from harness.model.architectures import EncoderDecoderShape
from harness.model.attention import KeysValues, KVCache
from harness.model.mixer import LayerState, MixerFactory
from harness.model.transformer import Block, DecodeState, Transformer, blocks_of, listed


@dataclass(frozen=True)
class Memory:
    """What the decoder knows of the prompt."""

    seen: Sequence[KeysValues | None]  # of each layer of the decoder
    added: torch.Tensor | None  # [B, 1, D]


class VectorCache(LayerState):
    """The one vector of a prompt, written in place: [B, 1, D]."""

    def __init__(self, like: torch.Tensor, batch: int) -> None:
        self.vector = like.new_zeros(batch, 1, like.shape[-1])

    def snapshot(self, position: int) -> None:
        """Nothing: it is not written again while decoding behind its prompt."""

    def restore(self, snapshot: None) -> None:
        """Nothing."""


class PromptedState(DecodeState):
    """The decoder's own state, and what the encoder handed on, which is computed once a prompt."""

    def __init__(
        self,
        own: Sequence[LayerState],
        handed_on: Sequence[LayerState],
        capacity: int,
        further: int,
    ) -> None:
        super().__init__([*own, *handed_on], capacity, further)
        self._handed_on = handed_on
        self.prompt = 0  # its length in tokens
        self.memory: Memory | None = None

    def keep(self, memory: Memory, prompt: int) -> None:
        """Write what is known of a prompt into the caches."""
        seen, added = list(memory.seen), memory.added
        for layer, cache in enumerate(self._handed_on):
            if isinstance(cache, KVCache):
                keys_values = memory.seen[layer]
                assert keys_values is not None
                seen[layer] = cache.extend(*keys_values, past=0)
            elif isinstance(cache, VectorCache):
                assert memory.added is not None
                added = cache.vector.copy_(memory.added)
        self.memory = Memory(seen, added)
        self.prompt = self.position = prompt


class Source(nn.Module):
    """The encoder's side: its positions, blocks, norm and readout."""

    def __init__(self, shape: EncoderDecoderShape, unmasked: MixerFactory) -> None:
        super().__init__()
        self.wpe = nn.Embedding(shape.context, shape.d_model)
        self.blocks = nn.ModuleList(Block(shape, unmasked, layer) for layer in range(shape.layers))
        concatenated = shape.layers * shape.d_model
        self.readout = None if shape.crosses else nn.Linear(concatenated, shape.d_model)
        self.ln_f = nn.LayerNorm(shape.d_model)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, S, D] token embeddings -> the states [B, S, D], or one vector [B, 1, D]."""
        x = x + self.wpe.weight[: x.shape[1]]
        means = []
        for block in self.blocks:
            x = block(x)
            if self.readout is not None:
                means.append(x.mean(dim=1, keepdim=True))  # [B, 1, D]
        read: torch.Tensor = self.ln_f(
            x if self.readout is None else self.readout(torch.cat(means, dim=-1))
        )
        return read


class EncoderDecoder(Transformer):
    """Token ids in, logits out: the decoder's, which begins with a start token.

    The last of the vocabulary is the start token: in GPT-2's it is the one between documents.
    """

    shape: EncoderDecoderShape

    def __init__(
        self, shape: EncoderDecoderShape, factory: MixerFactory, unmasked: MixerFactory
    ) -> None:
        super().__init__(shape, factory)
        self.encoder = Source(shape, unmasked)

    def forward(  # type: ignore[override]  # only a decoder's sequence is ever split
        self, tokens: torch.Tensor, state: DecodeState | None = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone.

        Without a state, as a teacher forces it: the decoder reads the same tokens as the encoder,
        one place later, and position i scores token i. With an empty state the tokens are the
        whole prompt, and the logits [B, 1, vocab] of the first token of the answer; with one that
        has read a prompt they follow in the decoder.
        """
        if state is None:
            shifted = torch.cat([self._start(tokens), tokens[:, :-1]], dim=1)
            return self.scored(self.decode(shifted, self.encode(tokens)), last_only)
        assert isinstance(state, PromptedState)
        if state.position == 0:
            state.keep(self.encode(tokens), tokens.shape[1])
            spoken, past = self._start(tokens), 0
        else:
            spoken, past = tokens, 1 + state.position - state.prompt
            state.position += tokens.shape[1]
        assert state.memory is not None
        return self.scored(self.decode(spoken, state.memory, state.layers, past), last_only)

    def encode(self, tokens: torch.Tensor) -> Memory:
        """[B, S] token ids of the prompt -> what the decoder knows of it."""
        read = self.encoder(self.wte(tokens))
        if not self.shape.crosses:
            return Memory([None] * len(self.blocks), read)
        crosses = [block.cross for block in blocks_of(self)]
        return Memory([one.keys_values(read) for one in crosses if one is not None], None)

    def decode(
        self,
        tokens: torch.Tensor,
        memory: Memory,
        states: Sequence[LayerState] = (),
        past: int = 0,
    ) -> torch.Tensor:
        """[B, T] token ids behind `past` of the decoder's -> the residual stream, [B, T, D].

        The first of `states` are the layers' own; without any the tokens are all there is.
        """
        x = self.embedded(tokens, past)
        if memory.added is not None:
            x = x + memory.added
        for layer, block in enumerate(self.blocks):
            x = block(x, states[layer] if states else None, past, memory.seen[layer])
        return x

    def training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """To say the prompt again: each position of the decoder is to tell the prompt's token."""
        return tokens[:, :-1], tokens[:, :-1]

    def new_state(self, batch: int, capacity: int, further: int = 0) -> PromptedState:
        """Room for a prompt of `capacity - further` tokens, a start token and `further` more."""
        where = self.wpe.weight  # embeddings stay as they are under every compression
        handed_on: Sequence[LayerState] = [VectorCache(where, batch)]
        if self.shape.crosses:
            size = (batch, self.shape.heads, capacity - further, self.shape.d_head)
            handed_on = [KVCache(size, where.device, where.dtype) for _ in self.blocks]
        own = self._layer_states(batch, 1 + further)
        return PromptedState(own, handed_on, capacity, further)

    def stacks(self) -> list[list[Block]]:
        """The encoder's and the decoder's."""
        return [listed(self.encoder.blocks), blocks_of(self)]

    def read_once(self) -> list[nn.Module]:
        """The encoder but for its positions, and what projects its states to keys and values."""
        encoder = self.encoder
        readout = [] if encoder.readout is None else [encoder.readout]
        crosses = [block.cross for block in blocks_of(self)]
        projections = [cross.key_value for cross in crosses if cross is not None]
        return [encoder.blocks, encoder.ln_f, *readout, *projections]

    def _made_blocks(self, factory: MixerFactory) -> Iterator[Block]:
        shape = self.shape
        layers = range(shape.decoder_depth)
        return (Block(shape, factory, layer, crosses=shape.crosses) for layer in layers)

    def _start(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.new_full((tokens.shape[0], 1), self.shape.vocab - 1)
