"""heads: the attention heads that give least are taken out, and matrices get smaller.

A head gives the sum of squares of what it adds to the residual stream, seen on some text. Each
layer keeps one at least. Michel et al. 2019 (arXiv 1905.10650).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.compression.formats import calibration
from harness.domain.entry import Options
from harness.errors import Unsupported

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("heads", "the attention heads that give least are taken out")
class Heads(Compression):
    """Structured pruning of attention."""

    class Options(Options):
        """How many, and among which."""

        fraction: float = Field(0.25, ge=0, lt=1, description="share of the heads to take out")
        scope: Literal["layer", "global"] = Field(
            "layer", description="that share of each layer, or of all layers together"
        )
        sequences: int = Field(16, ge=1, le=10_000, description="sequences read to see outputs")

    stage = Stage.STRUCTURE
    decoders = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with fewer heads."""
        from harness.model.attention import Attention
        from harness.model.observe import observe
        from harness.model.pruning import keep_heads, lowest

        mixers = {
            path: module for path, module in model.named_modules() if isinstance(module, Attention)
        }
        if not mixers:
            raise Unsupported("heads needs attention, which this operator has none of")
        if any(mixer.heads != mixer.groups for mixer in mixers.values()):
            raise Unsupported("heads that share keys and values cannot be taken out one by one")
        seen = observe(model, calibration(model, text, self.options.sequences))
        scores = {}
        for path, mixer in mixers.items():
            reach = mixer.out.weight.detach().float().square().sum(0)  # [in]
            given = seen[f"{path}.out"].squares * reach
            scores[path] = given.view(mixer.heads, mixer.d_head).sum(1)
            strongest = scores[path].argmax()
            scores[path][strongest] = float("inf")  # one stays, whatever the others give
        overall = self.options.scope == "global"
        for path, mask in lowest(scores, self.options.fraction, overall=overall).items():
            keep_heads(mixers[path], (~mask).nonzero().flatten().tolist())
        return model
