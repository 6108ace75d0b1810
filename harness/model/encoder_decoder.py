"""An encoder that reads the prompt, and a decoder that generates tokens from it.

Vaswani et al. 2017 (arXiv 1706.03762), with the norms and positions of this package's decoder.

Both sides share the token embedding, which is also the head's weight; each has its own positions.
The decoder gets one of two things from the encoder:
- all states of the last layer, to which each layer of the decoder attends; or
- one vector, whatever the prompt's length. Each layer's output is averaged over positions, because
  no single position of a bidirectional encoder stands for the whole. The averages are concatenated
  to layers x D numbers and projected to D. The vector is added to the decoder's embeddings at every
  position. Attention to it would do no more: the weight of a single key is always 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from harness.model.architectures import EncoderDecoderShape
from harness.model.attention import KeysValues, KVCache
from harness.model.mixer import LayerState, MixerFactory
from harness.model.transformer import Block, DecodeState, Transformer, block_list, blocks_of


@dataclass(frozen=True)
class Memory:
    """What the decoder gets from the encoder, for one prompt."""

    seen: Sequence[KeysValues | None]  # for the cross-attention of each decoder layer
    added: torch.Tensor | None  # [B, 1, D], added to the decoder's embeddings


class VectorCache(LayerState):
    """The vector of a prompt, written in place: [B, 1, D]."""

    def __init__(self, like: torch.Tensor, batch: int) -> None:
        self.vector = like.new_zeros(batch, 1, like.shape[-1])

    def snapshot(self, position: int) -> None:
        """None: decoding never overwrites the vector."""

    def restore(self, snapshot: None) -> None:
        """Does nothing: the vector has not changed."""


class PromptedState(DecodeState):
    """The decoder's state, and the encoder's output, which is computed once per prompt."""

    def __init__(
        self,
        layers: Sequence[LayerState],
        from_encoder: Sequence[LayerState],
        capacity: int,
        further: int,
    ) -> None:
        super().__init__([*layers, *from_encoder], capacity, further)
        self._from_encoder = from_encoder
        self.prompt = 0  # its length in tokens
        self.memory: Memory | None = None

    def keep(self, memory: Memory, prompt: int) -> None:
        """Write the encoder's output for a prompt into the caches."""
        seen, added = list(memory.seen), memory.added
        for layer, cache in enumerate(self._from_encoder):
            if isinstance(cache, KVCache):
                keys_values = memory.seen[layer]
                assert keys_values is not None
                seen[layer] = cache.extend(*keys_values, past=0)
            elif isinstance(cache, VectorCache):
                assert memory.added is not None
                added = cache.vector.copy_(memory.added)
        self.memory = Memory(seen, added)
        self.prompt = self.position = prompt


class EncoderStack(nn.Module):
    """The encoder's side: its positions, blocks, norm and readout."""

    def __init__(self, shape: EncoderDecoderShape, unmasked: MixerFactory) -> None:
        super().__init__()
        self.wpe = nn.Embedding(shape.context, shape.d_model)
        self.blocks = nn.ModuleList(Block(shape, unmasked, layer) for layer in range(shape.layers))
        concatenated = shape.layers * shape.d_model
        self.readout = None if shape.crosses else nn.Linear(concatenated, shape.d_model)
        self.ln_f = nn.LayerNorm(shape.d_model)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, S, D] token embeddings -> states [B, S, D], or one vector [B, 1, D]."""
        x = x + self.wpe.weight[: x.shape[1]]
        means = []
        for block in self.blocks:
            x = block(x)
            if self.readout is not None:
                means.append(x.mean(dim=1, keepdim=True))  # [B, 1, D]
        output: torch.Tensor = self.ln_f(
            x if self.readout is None else self.readout(torch.cat(means, dim=-1))
        )
        return output


class EncoderDecoder(Transformer):
    """Maps token ids to the decoder's logits; the decoder begins with a start token.

    The start token is the last token of the vocabulary, which in GPT-2's separates documents.
    """

    shape: EncoderDecoderShape

    def __init__(
        self, shape: EncoderDecoderShape, factory: MixerFactory, unmasked: MixerFactory
    ) -> None:
        super().__init__(shape, factory)
        self.encoder = EncoderStack(shape, unmasked)

    def forward(  # type: ignore[override]  # only a decoder's sequence is ever split
        self, tokens: torch.Tensor, state: DecodeState | None = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone.

        Without a state (teacher forcing), the decoder reads the encoder's tokens shifted by one,
        and position i predicts token i. With an empty state, the tokens are the whole prompt, and
        the logits [B, 1, vocab] predict the first generated token. With a state that holds a
        prompt, the decoder reads the tokens.
        """
        if state is None:
            shifted = torch.cat([self._start(tokens), tokens[:, :-1]], dim=1)
            return self.logits(self.decode(shifted, self.encode(tokens)), last_only)
        assert isinstance(state, PromptedState)
        if state.position == 0:
            state.keep(self.encode(tokens), tokens.shape[1])
            decoder_tokens, past = self._start(tokens), 0
        else:
            decoder_tokens, past = tokens, 1 + state.position - state.prompt
            state.position += tokens.shape[1]
        assert state.memory is not None
        return self.logits(self.decode(decoder_tokens, state.memory, state.layers, past), last_only)

    def encode(self, tokens: torch.Tensor) -> Memory:
        """[B, S] token ids of the prompt -> the encoder's output for the decoder."""
        output = self.encoder(self.wte(tokens))
        if not self.shape.crosses:
            return Memory([None] * len(self.blocks), output)
        crosses = [block.cross for block in blocks_of(self)]
        return Memory([one.keys_values(output) for one in crosses if one is not None], None)

    def decode(
        self,
        tokens: torch.Tensor,
        memory: Memory,
        states: Sequence[LayerState] = (),
        past: int = 0,
    ) -> torch.Tensor:
        """[B, T] token ids after `past` tokens in the decoder -> the residual stream [B, T, D].

        `states` begins with one state per layer. Without states, the tokens are the whole sequence.
        """
        x = self.embeddings(tokens, past)
        if memory.added is not None:
            x = x + memory.added
        for layer, block in enumerate(self.blocks):
            x = block(x, states[layer] if states else None, past, memory.seen[layer])
        return x

    def training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Trains the decoder to repeat the prompt: the targets are the inputs."""
        return tokens[:, :-1], tokens[:, :-1]

    def new_state(self, batch: int, capacity: int, further: int = 0) -> PromptedState:
        """Room for a prompt of `capacity - further` tokens, a start token and `further` more."""
        like = self.wpe.weight  # no compression changes the format of embeddings
        from_encoder: Sequence[LayerState] = [VectorCache(like, batch)]
        if self.shape.crosses:
            size = (batch, self.shape.heads, capacity - further, self.shape.d_head)
            from_encoder = [KVCache(size, like.device, like.dtype) for _ in self.blocks]
        layers = self._layer_states(batch, 1 + further)
        return PromptedState(layers, from_encoder, capacity, further)

    def stacks(self) -> list[list[Block]]:
        """The encoder's blocks and the decoder's blocks."""
        return [block_list(self.encoder.blocks), blocks_of(self)]

    def prompt_modules(self) -> list[nn.Module]:
        """The encoder without its positions, and the projections to keys and values."""
        encoder = self.encoder
        readout = [] if encoder.readout is None else [encoder.readout]
        crosses = [block.cross for block in blocks_of(self)]
        projections = [cross.key_value for cross in crosses if cross is not None]
        return [encoder.blocks, encoder.ln_f, *readout, *projections]

    def _new_blocks(self, factory: MixerFactory) -> Iterator[Block]:
        shape = self.shape
        layers = range(shape.decoder_depth)
        return (Block(shape, factory, layer, crosses=shape.crosses) for layer in layers)

    def _start(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.new_full((tokens.shape[0], 1), self.shape.vocab - 1)
