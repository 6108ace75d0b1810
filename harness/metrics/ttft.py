"""TTFT: time to first token."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.section import section_median


@register("ttft", "time to first token")
class Ttft(Metric):
    """Seconds from handing over the prompt to having the first token."""

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """The median over the round's samples."""
        return section_median(one, "ttft")
