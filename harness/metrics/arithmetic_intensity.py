"""Arithmetic intensity: FLOPs for each byte moved."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("arithmetic_intensity", "matrix FLOPs for each byte moved from or to memory")
class ArithmeticIntensity(Metric):
    """FLOPs over bytes of an iteration, both from the model's own arithmetic (model/cost.py)."""

    unit = "FLOP/B"
    direction = Direction.HIGHER

    def value(self, one: Round) -> float | None:
        """Where the bytes are known: not in training."""
        flops, moved = one.facts.get("flops"), one.facts.get("bytes_moved")
        return flops / moved if flops and moved else None
