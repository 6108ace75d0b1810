"""gpt3: alternating full and banded attention, as in GPT-3.

"We use alternating dense and locally banded sparse attention patterns in the layers of the
transformer, similar to the Sparse Transformer" (Brown et al. 2020, arXiv 2005.14165, section
2.1). The paper does not say which comes first or how wide the band is: here the first layer is
full, and `window` sets the width. Time, memory and decode state are the mean of `sdpa` and
`banded`. Banded layers see only their window, but every second layer sees everything, so no token
is out of reach. The same as the pattern [sdpa, banded].
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


@register("gpt3", "alternating layers of full and banded attention")
class Gpt3(Mixed):
    """A named pattern."""

    class Options(Options):
        """The width of the band."""

        window: int = Field(
            256, ge=2, le=10**6, description="tokens that each token sees in a banded layer"
        )

    @cached_property
    def parts(self) -> Sequence[Operator]:
        """Full attention, then banded attention."""
        return [Sdpa(), Banded(Banded.Options(window=self.options.window))]
