"""Parameters: how many numbers the model holds."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("parameters", "numbers the model holds")
class Parameters(Metric):
    """Count of the weights that are kept, in whatever format, shared ones once."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("parameters")
