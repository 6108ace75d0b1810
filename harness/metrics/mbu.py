"""MBU: memory bandwidth utilisation."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.iteration import iteration_seconds, main_section


@register("mbu", "share of the host's measured bandwidth at its working set that decode uses")
class Mbu(Metric):
    """Weights and decode state moved, over the time taken and the host's read bandwidth.

    Databricks 2023, "LLM Inference Performance Engineering: Best Practices". The bandwidth is
    that of a buffer as large as what a token moves, caches included. Above 1 where a part of it
    stays in a nearer cache than the whole.
    """

    unit = "1"
    direction = Direction.HIGHER

    def value(self, one: Round) -> float | None:
        """Where tokens alone are timed and the ceiling is known."""
        if main_section(one) != "tpot":
            return None
        seconds = iteration_seconds(one)
        moved, peak = one.facts.get("bytes_moved"), one.facts.get("peak_bandwidth")
        return moved / seconds / peak if seconds and moved and peak else None

    def samples(self, one: Round) -> int:
        """Those of tokens."""
        return len(one.timed("tpot"))
