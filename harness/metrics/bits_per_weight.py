"""Bits per weight: what the file spends on each weight of the dense model."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("bits_per_weight", "bits of the file for each parameter of the dense model")
class BitsPerWeight(Metric):
    """Eight times the bytes of the file, its head included, over the dense model's parameters."""

    unit = "bit"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("bits_per_weight")
