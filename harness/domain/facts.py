"""Every fact that a round may report: its name, its unit, and how the ranks' values become one.

A fact is a figure that a process, or the host around it, knows; metrics are made of facts and
samples. A report with a fact that is not in this table cannot be read, so a name misspelt on either
side shows at once. An outside package declares its own facts with `declare` in the module of the
entry that reports them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean

from harness.errors import PluginError


class Reduce(Enum):
    """How one value is made of all ranks' values."""

    FIRST = "rank 0's"  # the same on every rank, or told by rank 0 for all
    SUM = "the sum"
    MEAN = "the mean"
    MAX = "the largest"

    def __call__(self, values: Sequence[float]) -> float:
        """Of the ranks, in order."""
        return _REDUCED[self](values)


_REDUCED: dict[Reduce, Callable[[Sequence[float]], float]] = {
    Reduce.FIRST: lambda values: values[0],
    Reduce.SUM: sum,
    Reduce.MEAN: fmean,
    Reduce.MAX: max,
}


@dataclass(frozen=True)
class Fact:
    """A fact, or a family of them: a `*` in the name stands for a word, such as a collective's."""

    name: str
    unit: str
    reduce: Reduce = Reduce.FIRST


_TABLE = (
    # The model.
    Fact("parameters", "1"),
    Fact("nonzero_parameters", "1"),
    Fact("dense_parameters", "1"),
    Fact("model_bytes", "B"),
    Fact("file_bytes", "B"),
    Fact("bits_per_weight", "bit"),
    Fact("logit_error", "1"),
    Fact("split_error", "1"),
    # The work of an iteration.
    Fact("flops", "FLOP"),
    Fact("tokens", "1"),
    Fact("steps", "1"),
    Fact("bytes_moved", "B", Reduce.SUM),
    Fact("state_bytes", "B", Reduce.SUM),
    # Time around the iterations.
    Fact("load_time", "s"),
    Fact("cold_load_time", "s"),
    Fact("compression_time", "s"),
    Fact("compile_time", "s"),
    Fact("cached_compile_time", "s"),
    Fact("compiled_graphs", "1"),
    Fact("graph_breaks", "1"),
    Fact("launch_time", "s"),
    # Memory.
    Fact("load_memory", "B", Reduce.SUM),
    Fact("held_memory", "B", Reduce.SUM),
    Fact("peak_memory", "B", Reduce.SUM),
    Fact("peak_allocated", "B", Reduce.SUM),
    Fact("peak_reserved", "B", Reduce.SUM),
    Fact("page_faults", "1", Reduce.SUM),
    # Ranks.
    Fact("processes", "1"),
    Fact("load_imbalance", "1"),
    Fact("bubble", "1", Reduce.MEAN),
    Fact("bubble_in_theory", "1"),
    Fact("collectives", "1"),
    Fact("collectives_*", "1"),
    Fact("sent_bytes", "B"),
    Fact("sent_bytes_*", "B"),
    Fact("rank_peak_memory", "B", Reduce.MAX),
    Fact("rank_parameters", "B", Reduce.MAX),
    Fact("rank_gradients", "B", Reduce.MAX),
    Fact("rank_optimizer", "B", Reduce.MAX),
    Fact("rank_activations", "B", Reduce.MAX),
    # Sampling.
    Fact("warmup", "1"),
    Fact("settled", "1"),
    Fact("repeats", "1"),
    # Energy, and the prices and ceilings that the parent adds.
    Fact("energy", "J"),
    Fact("energy_tokens", "1"),
    Fact("price_per_hour", "USD/h"),
    Fact("peak_flops", "FLOP/s"),
    Fact("peak_bandwidth", "B/s"),
    # The host around the round.
    Fact("host_load", "1"),
    Fact("host_others", "1"),
    Fact("host_steal", "1"),
    Fact("host_swapped", "B"),
    Fact("host_throttled", "1"),
    Fact("host_mhz", "MHz"),
    Fact("host_gpu_others", "1"),
    Fact("host_gpu_hot", "1"),
    Fact("host_gpu_capped", "1"),
    Fact("host_gpu_clock_*", "MHz"),
    Fact("host_gpu_memory_clock_*", "MHz"),
    Fact("host_gpu_temperature_*", "°C"),
    Fact("host_gpu_reasons_*", "1"),
)
_declared: dict[str, Fact] = {one.name: one for one in _TABLE}


def declare(fact: Fact) -> None:
    """Add an outside package's fact; PluginError if the name is taken by another."""
    if _declared.setdefault(fact.name, fact) != fact:
        raise PluginError(f"the fact {fact.name!r} is declared twice, and not alike")


def fact_of(name: str) -> Fact | None:
    """The fact that a report calls so; None if nobody declared it."""
    if name in _declared:
        return _declared[name]
    families = (one for one in _declared.values() if one.name.endswith("_*"))
    return next((one for one in families if name.startswith(one.name[:-1])), None)


def declared() -> tuple[Fact, ...]:
    """All of them, in the table's order."""
    return tuple(_declared.values())


def reduced(reports: Sequence[dict[str, float]]) -> dict[str, float]:
    """One round's facts of all ranks' facts, rank 0's first.

    A fact that some rank lacks is rank 0's alone, if it has it.
    """
    found: dict[str, float] = {}
    for name, value in reports[0].items():
        fact = fact_of(name)
        everywhere = all(name in one for one in reports)
        reduce = fact.reduce if fact is not None and everywhere else None
        found[name] = value if reduce is None else reduce([one[name] for one in reports])
    return found
