"""Minor page faults in an iteration: whether its memory was mapped anew."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("page_faults", "minor page faults in an iteration, over all processes")
class PageFaults(Metric):
    """The median over a round's iterations, as the system counts them (getrusage).

    Near zero where the allocator keeps the memory of activations, which `measure: {allocator:
    steady}` asks for. Otherwise each 4 KiB that an iteration maps anew costs it time.
    """

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the processes reported it."""
        return one.facts.get("page_faults")
