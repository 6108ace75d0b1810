"""recover: trains the compressed model on text.

Some training steps after pruning, sharing or factorising. Zeros stay zero, shared layers stay
shared, low-rank matrices keep their rank. It recovers most of the lost quality; its time counts as
compression time. Han et al. 2015 (arXiv 1506.02626), section 3; Xia et al. 2023 (arXiv 2310.06694).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.entry import Options

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("recover", "trains the compressed model on text, to recover quality")
class Recover(Compression):
    """Training after pruning."""

    class Options(Options):
        """Length and rate of the training."""

        steps: int = Field(60, ge=1, le=10**6, description="optimizer steps")
        batch: int = Field(8, ge=1, le=10_000, description="sequences per step")
        length: int = Field(255, ge=2, le=10**5, description="tokens per sequence")
        rate: float = Field(3e-3, gt=0, le=1, description="highest learning rate")

    stage = Stage.RECOVERY
    trains = True
    decoders = True

    def training_tokens(self) -> int:
        """The tokens of all steps."""
        tokens: int = self.options.steps * self.options.batch * self.options.length
        return tokens

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The trained model."""
        import torch
        from torch.nn.functional import cross_entropy

        from harness.model.training import fit

        options = self.options
        length = min(options.length, model.shape.context - 1)
        sequences = text.sequences("recovery", options.steps * options.batch, length + 1)

        def loss_of(step: int) -> torch.Tensor:
            some = sequences[step * options.batch : (step + 1) * options.batch]
            tokens = some.to(model.wte.weight.device)
            return cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())

        with torch.enable_grad():
            fit(model, options.steps, options.rate, loss_of, keep_zeros=True)
        return model
