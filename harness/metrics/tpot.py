"""TPOT: time per output token, also called inter-token latency."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.section import section_median


@register("tpot", "time per output token after the first")
class Tpot(Metric):
    """Mean seconds a token within an iteration."""

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """The median over the round's samples."""
        return section_median(one, "tpot")
