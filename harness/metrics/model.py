"""The model itself, and the work that it asks for."""

from __future__ import annotations

from harness.analyse.roofline import roofline
from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import FactMetric, Group, Metric, register
from harness.metrics.iteration import iteration_seconds, main_section


class ModelFact(FactMetric):
    """A figure of the model rather than of its run."""

    group = Group.MODEL
    leaderboard = False


@register("load_time", "time to build or load the model and place it")
class LoadTime(ModelFact):
    """Seconds to make the model ready.

    A model that has a file, as every compressed one and every one with weights has, is loaded
    from it, its pages in memory (see cold_load_time); another is built and cast.
    """

    unit = "s"


@register("parameters", "numbers the model holds")
class Parameters(ModelFact):
    """Count of the weights that are kept, in whatever format, shared ones once."""

    unit = "1"
    printed_unit = "count"


@register("flops", "matrix FLOPs of one iteration")
class Flops(ModelFact):
    """Two a multiply-add, from the dense model's own arithmetic (model/cost.py)."""

    unit = "FLOP"
    title = "FLOPs"


@register("arithmetic_intensity", "matrix FLOPs for each byte moved from or to memory")
class ArithmeticIntensity(Metric):
    """FLOPs over bytes of an iteration, both from the model's own arithmetic (model/cost.py)."""

    unit = "FLOP/B"
    direction = Direction.HIGHER
    group = Group.MODEL
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """Where the bytes are known: not in training."""
        flops, moved = one.facts.get("flops"), one.facts.get("bytes_moved")
        return flops / moved if flops and moved else None


@register("roofline_share", "share of the speed that the roofline allows")
class RooflineShare(Metric):
    """The least time that compute and memory bandwidth allow, over the time taken.

    Of a whole iteration: `generate` reads its prompt bound by compute and produces tokens bound
    by bandwidth, and is held against the larger of the two sums, which allows it a little more
    speed than the two one after the other.
    """

    unit = "1"
    direction = Direction.HIGHER
    printed_unit = "fraction"
    group = Group.MODEL
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """Where work and both ceilings are known."""
        allowed, seconds = roofline(one.facts), iteration_seconds(one)
        return allowed.seconds / seconds if allowed and seconds else None

    def samples(self, one: Round) -> int:
        """Those the time is made from."""
        return len(one.timed(main_section(one)))
