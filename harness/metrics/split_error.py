"""How far the split model is from one process."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("split_error", "how far the split model is from one process")
class SplitError(Metric):
    """The largest relative difference of losses, gradient norms and parameters, or of logits."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("split_error")
