"""An encoder for embeddings, in which every token sees every other.

Devlin et al. 2019 (arXiv 1810.04805), with the norms and positions of this package's decoder.
"""

from __future__ import annotations

import torch

from harness.errors import Unsupported
from harness.model.mixer import MixerFactory
from harness.model.shape import Shape
from harness.model.transformer import DecodeState, Transformer

# Masks the first position and every seventh after it: near BERT's 15 %, and fixed, so that every
# iteration does the same work.
_MASK_EVERY = 7
_NO_TARGET = -100  # torch's cross-entropy ignores this target


class Encoder(Transformer):
    """Maps token ids to an embedding of each sequence, or in training to logits."""

    def __init__(self, shape: Shape, unmasked: MixerFactory) -> None:
        super().__init__(shape, unmasked)

    def forward(  # type: ignore[override]  # only a decoder's sequence is ever split
        self, tokens: torch.Tensor, state: DecodeState | None = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits; with a state [B, 1, D] embeddings.

        An embedding is the mean of the last layer's normed states, because no single position of
        an encoder stands for the sequence. The state keeps nothing but the position.
        """
        if state is None:
            return super().forward(tokens, last_only=last_only)
        if state.position:
            raise Unsupported("an encoder reads a whole sequence at once and no further tokens")
        x = self.embeddings(tokens)
        for block in self.blocks:
            x = block(x)
        state.position = tokens.shape[1]
        embedding: torch.Tensor = self.ln_f(x).mean(dim=1, keepdim=True)
        return embedding

    def training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks some tokens, which are the targets; the model scores every position.

        The last token of the vocabulary, GPT-2's only special token, serves as the mask.
        """
        inputs = tokens[:, :-1]
        masked = torch.zeros_like(inputs, dtype=torch.bool)
        masked[:, ::_MASK_EVERY] = True
        visible = inputs.masked_fill(masked, self.shape.vocab - 1)
        return visible, inputs.masked_fill(~masked, _NO_TARGET)

    def new_state(self, batch: int, capacity: int, further: int = 0) -> DecodeState:
        """A state that records only whether a sequence was read."""
        return DecodeState([], capacity, further)
