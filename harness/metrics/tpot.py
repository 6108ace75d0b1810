"""TPOT: time per output token, also called inter-token latency."""

from __future__ import annotations

from harness.metrics import register
from harness.metrics.section import SectionMetric


@register("tpot", "time per output token after the first")
class Tpot(SectionMetric):
    """Mean seconds a token within an iteration."""

    section = "tpot"
