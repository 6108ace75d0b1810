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
