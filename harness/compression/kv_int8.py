"""kv-int8: keys and values of the decode state in int8, with a scale per token and head.

The cache takes a quarter of fp32's bytes, plus a scale per vector, so four times as many tokens
fit. Each step converts the whole cache back before it attends, which costs time, because no kernel
reads int8 directly. Weights do not change. Hooper et al. 2024 (arXiv 2401.18079) study the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.compression import Compression, Stage, register
from harness.errors import Unsupported

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("kv-int8", "keys and values of the decode state in int8")
class KvInt8(Compression):
    """Symmetric, per token and head."""

    stage = Stage.STATE
    rounds = True
    decoders = True

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model; its new decode states store int8."""
        from harness.model.attention import Attention
        from harness.model.pruning import all_blocks

        mixers = [
            block.mixer
            for block in all_blocks(model)
            if isinstance(block.mixer, Attention)
            and type(block.mixer).new_state is Attention.new_state
        ]
        if not mixers:
            raise Unsupported("kv-int8 needs an operator that caches all keys and values")
        for mixer in mixers:
            mixer.caches_in = "int8"
        return model
