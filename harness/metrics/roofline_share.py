"""Roofline share: how near the time taken comes to the least that the host's ceilings allow."""

from __future__ import annotations

from harness.analyse.roofline import roofline
from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.iteration import iteration_seconds, main_section


@register("roofline_share", "share of the speed that the roofline allows")
class RooflineShare(Metric):
    """The least time that compute and memory bandwidth allow, over the time taken.

    Of a whole iteration: `generate` reads its prompt bound by compute and produces tokens bound
    by bandwidth, and is held against the larger of the two sums, which allows it a little more
    speed than the two one after the other.
    """

    unit = "1"
    direction = Direction.HIGHER

    def value(self, one: Round) -> float | None:
        """Where work and both ceilings are known."""
        allowed, seconds = roofline(one.facts), iteration_seconds(one)
        return allowed.seconds / seconds if allowed and seconds else None

    def samples(self, one: Round) -> int:
        """Those the time is made from."""
        return len(one.timed(main_section(one)))
