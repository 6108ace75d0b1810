"""Non-zero parameters: what pruning left."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("nonzero_parameters", "parameters that are not zero")
class NonzeroParameters(Metric):
    """Numbers in the weights, in whatever format, other than zero; shared ones once."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("nonzero_parameters")
