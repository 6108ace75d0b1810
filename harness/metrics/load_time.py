"""Load time: what it takes before the first iteration can start."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("load_time", "time to build, cast, compress and place the model")
class LoadTime(Metric):
    """Seconds to build or read, cast, compress and place the model."""

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("load_time")
