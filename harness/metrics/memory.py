"""The memory a cell uses."""

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
    """Most bytes resident in all processes of the round; on a GPU, reserved there by torch."""

    tile = True
    show_column = 7


@register("working_memory", "peak memory while measuring, minus memory held before")
class WorkingMemory(Metric):
    """Peak bytes of decode state, activations, gradients and optimizer state."""

    unit = "B"
    direction = Direction.LOWER
    group = Group.MEMORY
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """The peak of the measured phase minus the memory held at its start."""
        peak, before = one.facts.get("peak_memory"), one.facts.get("held_memory")
        return peak - before if peak is not None and before is not None else None


@register("peak_allocated", "peak GPU memory in tensors while measuring")
class PeakAllocated(MemoryFact):
    """Most bytes in tensors, summed over GPUs, each at its own peak."""

    leaderboard = False


@register("peak_reserved", "peak GPU memory that torch held while measuring")
class PeakReserved(MemoryFact):
    """Most bytes of GPU memory that torch's allocator held, in tensors or for later use."""

    leaderboard = False


@register("load_memory", "peak resident memory while loading")
class LoadMemory(MemoryFact):
    """Most bytes resident in all processes of the round; on a GPU, reserved there by torch."""

    leaderboard = False


@register("model_bytes", "bytes of the weights as they run")
class ModelBytes(MemoryFact):
    """Bytes of parameters and buffers: packed ones at packed size, shared ones once."""

    title = "Model size"
    tile = True


@register("state_bytes", "allocated bytes of the decode state (for attention: the KV cache)")
class StateBytes(MemoryFact):
    """Bytes of the tensors in all layers' states, over all processes."""

    title = "KV cache"
    leaderboard = False
