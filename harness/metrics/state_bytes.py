"""State bytes: what the decode state takes, for attention the KV cache."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("state_bytes", "bytes of the decode state (of attention: the KV cache), as allocated")
class StateBytes(Metric):
    """Bytes of the tensors in all layers' states, over all processes."""

    unit = "B"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("state_bytes")
