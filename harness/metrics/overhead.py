"""Time and memory spent around the iterations."""

from __future__ import annotations

from harness.metrics import FactMetric, Group, register


class OverheadFact(FactMetric):
    """A figure of the work before or around the iterations."""

    group = Group.OVERHEAD


@register("compression_time", "time to compress the model, including calibration and training")
class CompressionTime(OverheadFact):
    """Seconds of all compressions in the composition, from the dense model in memory."""

    unit = "s"


@register("compile_time", "time in the compiler with nothing in its cache")
class CompileTime(OverheadFact):
    """Seconds in torch.compile until every pass of an iteration is compiled, in the first round.

    Timed iterations exclude it: an iteration that compiles is warm-up.
    """

    unit = "s"


@register("cached_compile_time", "time in the compiler when its cache holds the code")
class CachedCompileTime(OverheadFact):
    """The same in later rounds: tracing, and loading the code that the first round compiled."""

    unit = "s"


@register("compiled_graphs", "graphs that torch.compile compiled")
class CompiledGraphs(OverheadFact):
    """One more each time a shape or another guard changes."""

    unit = "1"
    leaderboard = False


@register("graph_breaks", "places where torch.compile fell back to Python")
class GraphBreaks(OverheadFact):
    """Each break splits code that could be fused into two graphs."""

    unit = "1"
    leaderboard = False


@register("cold_load_time", "time to load the model's file when none of its pages are in memory")
class ColdLoadTime(OverheadFact):
    """Seconds to read, unpack and place the model, after its file's pages left memory."""

    unit = "s"
    leaderboard = False


@register("resident_memory", "memory the process holds after loading the model")
class ResidentMemory(OverheadFact):
    """Bytes resident after loading and before the first iteration, including the runtime."""

    unit = "B"
    fact = "held_memory"


@register("page_faults", "minor page faults in an iteration, over all processes")
class PageFaults(OverheadFact):
    """The median over a round's iterations, counted by the system (getrusage).

    Near zero if the allocator keeps the memory of activations, as with `measure: {allocator:
    steady}`. Otherwise each iteration loses time to map pages of 4 KiB again.
    """

    unit = "1"
    leaderboard = False
