"""The model itself, and its work."""

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

    Compressed models and models with weights are loaded from a file whose pages are in memory (see
    cold_load_time). Large random models on a processor are copied from a file of their weights and
    cast, other random models are drawn and cast.
    """

    unit = "s"


@register("parameters", "numbers in the model's weights")
class Parameters(ModelFact):
    """The count of kept weights, in any format; shared weights count once."""

    unit = "1"
    printed_unit = "count"


@register("flops", "matrix FLOPs of one iteration")
class Flops(ModelFact):
    """Two per multiply-add, from the dense model's own arithmetic (model/cost.py)."""

    unit = "FLOP"
    title = "FLOPs"


@register("arithmetic_intensity", "matrix FLOPs per byte moved from or to memory")
class ArithmeticIntensity(Metric):
    """FLOPs over bytes of an iteration, both from the model's own arithmetic (model/cost.py)."""

    unit = "FLOP/B"
    direction = Direction.HIGHER
    group = Group.MODEL
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """None in training, where the bytes are unknown."""
        flops, moved = one.facts.get("flops"), one.facts.get("bytes_moved")
        return flops / moved if flops and moved else None


@register("roofline_share", "share of the speed that the roofline allows")
class RooflineShare(Metric):
    """The least time that compute and memory bandwidth allow, over the time taken.

    Over a whole iteration. `generate` reads its prompt limited by compute and produces tokens
    limited by bandwidth. It is compared with the larger of the two total times, a slightly faster
    bound than the two phases one after the other.
    """

    unit = "1"
    direction = Direction.HIGHER
    printed_unit = "fraction"
    group = Group.MODEL
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """None unless work and both ceilings are known."""
        allowed, seconds = roofline(one.facts), iteration_seconds(one)
        return allowed.seconds / seconds if allowed and seconds else None

    def samples(self, one: Round) -> int:
        """The samples of the time."""
        return len(one.timed(main_section(one)))
