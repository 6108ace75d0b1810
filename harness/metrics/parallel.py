"""What it takes to run a model as several processes."""

from __future__ import annotations

from harness.metrics import FactMetric, Group, register


class ParallelFact(FactMetric):
    """A figure of how processes share the work."""

    group = Group.PARALLEL


class RankBytes(ParallelFact):
    """Bytes of the fullest rank."""

    unit = "B"
    of_ranks = True


@register("sent_bytes", "bytes a process hands to others in an iteration")
class SentBytes(ParallelFact):
    """Counted at each collective and message of rank 0, by what the algorithm asks for."""

    unit = "B"
    title = "Sent a step"


@register("collectives", "collectives and messages of a process in an iteration")
class Collectives(ParallelFact):
    """Counted on rank 0."""

    unit = "1"


@register("rank_memory", "peak resident memory of the fullest process")
class RankMemory(RankBytes):
    """The most bytes resident in one process of the round; on a GPU, reserved there by torch."""

    title = "Peak memory a rank"
    fact = "rank_peak_memory"


@register("rank_parameters", "bytes of parameters on the fullest process")
class RankParameters(RankBytes):
    """Those that the optimizer updates there."""

    title = "Parameters a rank"


@register("rank_gradients", "bytes of gradients on the fullest process")
class RankGradients(RankBytes):
    """When the optimizer steps."""

    title = "Gradients a rank"


@register("rank_optimizer", "bytes of optimizer state on the fullest process")
class RankOptimizer(RankBytes):
    """Of AdamW, two moments of each parameter."""

    title = "Optimizer a rank"


@register("rank_activations", "bytes kept for the backward pass on the fullest process")
class RankActivations(RankBytes):
    """The most that the graph kept at once, without the parameters."""

    title = "Activations a rank"


@register("bubble", "share of a pipeline's time in which a process waits")
class Bubble(ParallelFact):
    """Of the schedule's time, what neither passes nor the loss took; the mean over processes."""

    unit = "1"
    printed_unit = "fraction"


@register("bubble_in_theory", "share of its time that a pipeline of equal stages waits")
class BubbleInTheory(ParallelFact):
    """By the formula of the schedule; see harness/parallelism/pipeline/group.py."""

    unit = "1"
    printed_unit = "fraction"
    leaderboard = False


@register("load_imbalance", "share of the time that processes wait for the slowest")
class LoadImbalance(ParallelFact):
    """How much earlier than the slowest rank the others are ready, on average."""

    unit = "1"
    printed_unit = "fraction"
    leaderboard = False


@register("split_error", "how far the split model is from one process")
class SplitError(ParallelFact):
    """The largest relative difference of losses, gradient norms and parameters, or of logits."""

    unit = "1"


@register("launch_time", "time until all processes have met")
class LaunchTime(ParallelFact):
    """From the round's start to a group of all ranks; no part of any other time."""

    unit = "s"
    leaderboard = False
