"""Every fact that a round may report: its name, its unit, and how the ranks' values are reduced.

A fact is a figure about a round's process or host; metrics are computed from facts and samples.
A report with a fact that is not in this table is rejected, so a misspelt name shows at once. An
outside package declares its facts with `declare`, in the module of the entry that reports them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean

from harness.errors import PluginError


class Reduce(Enum):
    """How all ranks' values become one."""

    FIRST = "rank 0's"  # the value is the same on every rank, or rank 0 reports it for all
    SUM = "the sum"
    MEAN = "the mean"
    MAX = "the largest"

    def __call__(self, values: Sequence[float]) -> float:
        """Reduce the ranks' values, given in rank order."""
        return _REDUCED[self](values)


_REDUCED: dict[Reduce, Callable[[Sequence[float]], float]] = {
    Reduce.FIRST: lambda values: values[0],
    Reduce.SUM: sum,
    Reduce.MEAN: fmean,
    Reduce.MAX: max,
}


@dataclass(frozen=True)
class Fact:
    """A fact, or a family of facts: `*` in the name stands for a word, such as a collective."""

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
    # Energy; the price and the ceilings, which the parent process adds.
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
    """Add an outside package's fact; PluginError if a different fact has that name."""
    if _declared.setdefault(fact.name, fact) != fact:
        raise PluginError(f"the fact {fact.name!r} is declared twice, in different ways")


def fact_of(name: str) -> Fact | None:
    """The fact that this name in a report refers to; None if it is not declared."""
    if name in _declared:
        return _declared[name]
    families = (one for one in _declared.values() if one.name.endswith("_*"))
    return next((one for one in families if name.startswith(one.name[:-1])), None)


def declared() -> tuple[Fact, ...]:
    """All declared facts, in the table's order."""
    return tuple(_declared.values())


def reduced(reports: Sequence[dict[str, float]]) -> dict[str, float]:
    """Reduce all ranks' facts, rank 0's first, to one round's facts.

    A fact that some rank lacks keeps rank 0's value; one that rank 0 lacks is dropped.
    """
    found: dict[str, float] = {}
    for name, value in reports[0].items():
        fact = fact_of(name)
        everywhere = all(name in one for one in reports)
        reduce = fact.reduce if fact is not None and everywhere else None
        found[name] = value if reduce is None else reduce([one[name] for one in reports])
    return found
