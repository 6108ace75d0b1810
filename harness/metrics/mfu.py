"""MFU: model FLOPs utilisation."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.section import section_median


@register("mfu", "share of the host's measured peak FLOP/s that goes into the model")
class Mfu(Metric):
    """The model's FLOPs over the time taken and the host's GEMM ceiling.

    Chowdhery et al. 2022 (PaLM, arXiv 2204.02311, appendix B), with the ceiling measured instead
    of taken from a data sheet. Of decode, which memory bandwidth binds, it would say nothing.
    """

    unit = "1"
    direction = Direction.HIGHER

    def value(self, one: Round) -> float | None:
        """Where a whole iteration is timed and the ceiling is known."""
        seconds = section_median(one, "latency")
        flops, peak = one.facts.get("flops"), one.facts.get("peak_flops")
        return flops / seconds / peak if seconds and flops and peak else None

    def samples(self, one: Round) -> int:
        """Those of whole iterations."""
        return len(one.timed("latency"))
