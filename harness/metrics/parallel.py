"""The cost of running a model as several processes."""

from __future__ import annotations

from harness.metrics import FactMetric, Group, register


class ParallelFact(FactMetric):
    """A figure about how processes share the work."""

    group = Group.PARALLEL


class RankBytes(ParallelFact):
    """Bytes on the fullest rank."""

    unit = "B"
    of_ranks = True


@register("sent_bytes", "bytes a process sends to others per iteration")
class SentBytes(ParallelFact):
    """Counted at each collective and message of rank 0, from the algorithm, not the transport."""

    unit = "B"
    title = "Sent a step"


@register("collectives", "collectives and messages of a process per iteration")
class Collectives(ParallelFact):
    """Counted on rank 0."""

    unit = "1"


@register("rank_memory", "peak resident memory of the fullest process")
class RankMemory(RankBytes):
    """Most bytes resident in one process of the round; on a GPU, reserved there by torch."""

    title = "Peak memory a rank"
    fact = "rank_peak_memory"


@register("rank_parameters", "bytes of parameters on the fullest process")
class RankParameters(RankBytes):
    """Bytes of the parameters that the optimizer updates there."""

    title = "Parameters a rank"


@register("rank_gradients", "bytes of gradients on the fullest process")
class RankGradients(RankBytes):
    """Bytes of gradients when the optimizer steps."""

    title = "Gradients a rank"


@register("rank_optimizer", "bytes of optimizer state on the fullest process")
class RankOptimizer(RankBytes):
    """Bytes of optimizer state; AdamW keeps two moments per parameter."""

    title = "Optimizer a rank"


@register("rank_activations", "bytes kept for the backward pass on the fullest process")
class RankActivations(RankBytes):
    """Most bytes that the autograd graph kept at once, without parameters."""

    title = "Activations a rank"


@register("bubble", "share of a pipeline's time that a process waits")
class Bubble(ParallelFact):
    """The share of the schedule's time outside passes and loss; the mean over processes."""

    unit = "1"
    printed_unit = "fraction"


@register("bubble_in_theory", "share of its time that a pipeline of equal stages waits in theory")
class BubbleInTheory(ParallelFact):
    """From the schedule's formula; see harness/parallelism/pipeline/group.py."""

    unit = "1"
    printed_unit = "fraction"
    leaderboard = False


@register("load_imbalance", "share of the time that processes wait for the slowest")
class LoadImbalance(ParallelFact):
    """How much earlier than the slowest rank the others are ready, on average."""

    unit = "1"
    printed_unit = "fraction"
    leaderboard = False


@register("split_error", "difference between the split model and one process")
class SplitError(ParallelFact):
    """The largest relative difference of losses, gradient norms and parameters, or of logits."""

    unit = "1"


@register("launch_time", "time until all processes have joined their group")
class LaunchTime(ParallelFact):
    """From the round's start until all ranks are in one group; no other time includes it."""

    unit = "s"
    leaderboard = False
