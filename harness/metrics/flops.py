"""FLOPs: the matrix arithmetic of one iteration."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("flops", "matrix FLOPs of one iteration")
class Flops(Metric):
    """Two a multiply-add, from the dense model's own arithmetic (model/cost.py)."""

    unit = "FLOP"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("flops")
