"""An encoder: layers in which every token sees every other, for embeddings (Devlin et al. 2019,
arXiv 1810.04805, in the form of this package's decoder).
"""

from __future__ import annotations

import torch

from harness.errors import Unsupported
from harness.model.mixer import MixerFactory
from harness.model.shape import Shape
from harness.model.transformer import DecodeState, Transformer

# Masked are every seventh position and the first: 1 in 7 is near BERT's 15 %, and a fixed pattern
# gives every iteration the same work.
_MASK_EVERY = 7
_NO_TARGET = -100  # what torch's cross-entropy leaves out


class Encoder(Transformer):
    """Token ids in; an embedding of each sequence out, or in training logits."""

    def __init__(self, shape: Shape, unmasked: MixerFactory) -> None:
        super().__init__(shape, unmasked)

    def forward(  # type: ignore[override]  # only a decoder's sequence is ever split
        self, tokens: torch.Tensor, state: DecodeState | None = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits; with a state [B, 1, D], the embeddings.

        An embedding is the mean of the last layer's states, normed: no position of an encoder
        stands for the sequence by itself. It is read whole: the state holds nothing of it.
        """
        if state is None:
            return super().forward(tokens, last_only=last_only)
        if state.position:
            raise Unsupported("an encoder reads a sequence at once, and no token behind it")
        x = self.embedded(tokens)
        for block in self.blocks:
            x = block(x)
        state.position = tokens.shape[1]
        embedding: torch.Tensor = self.ln_f(x).mean(dim=1, keepdim=True)
        return embedding

    def training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Some tokens are masked; those it is to tell, and every position is scored.

        The last of the vocabulary, in GPT-2's its only special one, stands for a masked token.
        """
        inputs = tokens[:, :-1]
        masked = torch.zeros_like(inputs, dtype=torch.bool)
        masked[:, ::_MASK_EVERY] = True
        given = inputs.masked_fill(masked, self.shape.vocab - 1)
        return given, inputs.masked_fill(~masked, _NO_TARGET)

    def new_state(self, batch: int, capacity: int, further: int = 0) -> DecodeState:
        """A state that only knows whether a sequence was read."""
        return DecodeState([], capacity, further)
