"""What is spent around the iterations."""

from __future__ import annotations

from harness.metrics import FactMetric, Group, register


class OverheadFact(FactMetric):
    """A figure of what precedes the iterations, or goes along with them."""

    group = Group.OVERHEAD


@register("compression_time", "time to compress the model, calibration and training included")
class CompressionTime(OverheadFact):
    """Seconds of all the composition's compressions, from the dense model in memory."""

    unit = "s"


@register("compile_time", "time in the compiler with nothing in its cache")
class CompileTime(OverheadFact):
    """Seconds in torch.compile until every pass of an iteration has its code; a cell's first round.

    No part of a timed iteration: one that compiles is a warm-up.
    """

    unit = "s"


@register("cached_compile_time", "time in the compiler when its cache holds the code")
class CachedCompileTime(OverheadFact):
    """The same in later rounds: tracing, and loading what the first round generated."""

    unit = "s"


@register("compiled_graphs", "graphs that torch.compile compiled")
class CompiledGraphs(OverheadFact):
    """Each time that a shape or another guard changes there is one more."""

    unit = "1"
    leaderboard = False


@register("graph_breaks", "places where torch.compile fell back to Python")
class GraphBreaks(OverheadFact):
    """Each splits what could be fused into two graphs."""

    unit = "1"
    leaderboard = False


@register("cold_load_time", "time to load the model's file when no page of it is in memory")
class ColdLoadTime(OverheadFact):
    """Seconds to read, unpack and place the model, the file's pages dropped from memory before."""

    unit = "s"
    leaderboard = False


@register("resident_memory", "memory the process holds once the model is loaded")
class ResidentMemory(OverheadFact):
    """Bytes resident after loading and before the first iteration, the runtime included."""

    unit = "B"
    fact = "held_memory"


@register("page_faults", "minor page faults in an iteration, over all processes")
class PageFaults(OverheadFact):
    """The median over a round's iterations, as the system counts them (getrusage).

    Near zero where the allocator keeps the memory of activations, which `measure: {allocator:
    steady}` asks for. Otherwise each 4 KiB that an iteration maps anew costs it time.
    """

    unit = "1"
    leaderboard = False
