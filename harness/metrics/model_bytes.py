"""Model bytes: what the model's weights take as they run."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("model_bytes", "bytes of the weights as they run")
class ModelBytes(Metric):
    """Bytes of parameters and buffers, packed ones at their packed size, shared ones once."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("model_bytes")
