"""gpt3: full and banded attention in turn, as GPT-3's layers have it.

"We use alternating dense and locally banded sparse attention patterns in the layers of the
transformer, similar to the Sparse Transformer" (Brown et al. 2020, arXiv 2005.14165, section
2.1). Which comes first and how wide the band is, the paper does not say: here the first layer is
full, and `window` says how wide. Time, memory and decode state are half those of `sdpa` and half
those of `banded`. Every second layer sees everything, so that nothing is out of reach; a banded
layer cannot look further back than its window. The same as the pattern [sdpa, banded].
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pydantic import Field

from harness.domain.entry import Options
from harness.operators import Operator, register
from harness.operators.banded import Banded
from harness.operators.pattern import Mixed
from harness.operators.sdpa import Sdpa


@register("gpt3", "full and banded attention in turn, layer by layer")
class Gpt3(Mixed):
    """A pattern with a name."""

    class Options(Options):
        """How far the banded layers see."""

        window: int = Field(
            256, ge=2, le=10**6, description="tokens each one sees in a banded layer"
        )

    @cached_property
    def parts(self) -> Sequence[Operator]:
        """Full, banded."""
        return [Sdpa(), Banded(Banded.Options(window=self.options.window))]
