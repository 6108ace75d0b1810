"""How much memory a cell takes."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import FactMetric, Group, Metric, register


class MemoryFact(FactMetric):
    """Bytes that the round's processes reported."""

    unit = "B"
    group = Group.MEMORY


@register("peak_memory", "peak resident memory while measuring")
class PeakMemory(MemoryFact):
    """The most bytes resident in all processes of the round; on a GPU, reserved there by torch."""

    tile = True
    show_column = 7


@register("working_memory", "peak memory while measuring, less what was held before")
class WorkingMemory(Metric):
    """Bytes: decode state, activations, gradients and optimizer state, at the highest."""

    unit = "B"
    direction = Direction.LOWER
    group = Group.MEMORY
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """From the peak of the measured phase and what was held as it began."""
        peak, before = one.facts.get("peak_memory"), one.facts.get("held_memory")
        return peak - before if peak is not None and before is not None else None


@register("peak_allocated", "peak GPU memory in tensors while measuring")
class PeakAllocated(MemoryFact):
    """The most bytes that tensors took on the GPUs, each at its fullest."""

    leaderboard = False


@register("peak_reserved", "peak GPU memory that torch held while measuring")
class PeakReserved(MemoryFact):
    """The most bytes torch's allocator held of the GPUs, in tensors or for later ones."""

    leaderboard = False


@register("load_memory", "peak resident memory while loading")
class LoadMemory(MemoryFact):
    """The most bytes resident in all processes of the round; on a GPU, reserved there by torch."""

    leaderboard = False


@register("model_bytes", "bytes of the weights as they run")
class ModelBytes(MemoryFact):
    """Bytes of parameters and buffers, packed ones at their packed size, shared ones once."""

    title = "Model size"
    tile = True


@register("state_bytes", "bytes of the decode state (of attention: the KV cache), as allocated")
class StateBytes(MemoryFact):
    """Bytes of the tensors in all layers' states, over all processes."""

    title = "KV cache"
    leaderboard = False
