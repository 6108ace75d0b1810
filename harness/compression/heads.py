"""heads: removes the attention heads that contribute least; matrices get smaller.

A head's score is the sum of squares of its contribution to the residual stream, measured on some
text. Each layer keeps at least one head. Michel et al. 2019 (arXiv 1905.10650).
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


@register("heads", "removes the attention heads that contribute least")
class Heads(Compression):
    """Structured pruning of attention."""

    class Options(Options):
        """How many heads, chosen among which."""

        fraction: float = Field(0.25, ge=0, lt=1, description="share of the heads to remove")
        scope: Literal["layer", "global"] = Field(
            "layer", description="rank heads within each layer, or across all layers"
        )
        sequences: int = Field(16, ge=1, le=10_000, description="calibration sequences")

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
            raise Unsupported("heads needs an attention operator")
        if any(mixer.heads != mixer.groups for mixer in mixers.values()):
            raise Unsupported("heads that share keys and values cannot be removed one by one")
        seen = observe(model, calibration(model, text, self.options.sequences))
        scores = {}
        for path, mixer in mixers.items():
            reach = mixer.out.weight.detach().float().square().sum(0)  # [in]
            contributed = seen[f"{path}.out"].squares * reach
            scores[path] = contributed.view(mixer.heads, mixer.d_head).sum(1)
            strongest = scores[path].argmax()
            scores[path][strongest] = float("inf")  # a layer keeps at least one head
        overall = self.options.scope == "global"
        for path, mask in lowest(scores, self.options.fraction, overall=overall).items():
            keep_heads(mixers[path], (~mask).nonzero().flatten().tolist())
        return model
