"""Tokens a second, over all sequences of the batch and all processes."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.section import section_median


@register("tokens_per_second", "tokens a second over the whole batch")
class TokensPerSecond(Metric):
    """The tokens an iteration goes through over its median time."""

    unit = "1/s"
    direction = Direction.HIGHER

    def value(self, one: Round) -> float | None:
        """From the whole iteration where it is timed, else from the time per token."""
        seconds = section_median(one, "latency") or section_median(one, "tpot")
        if not seconds or "tokens" not in one.facts:
            return None
        return one.facts["tokens"] / seconds

    def samples(self, one: Round) -> int:
        """Those of the section it is made from."""
        return len(one.timed("latency") or one.timed("tpot"))
