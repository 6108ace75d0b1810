"""Load time: what it takes before the first iteration can start."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("load_time", "time to build or load the model and place it")
class LoadTime(Metric):
    """Seconds to make the model ready.

    A model that has a file, as every compressed one and every one with weights has, is loaded
    from it, its pages in memory (see cold_load_time); another is built and cast.
    """

    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("load_time")
