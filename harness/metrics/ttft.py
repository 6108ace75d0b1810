"""TTFT: time to first token."""

from __future__ import annotations

from harness.metrics import register
from harness.metrics.section import SectionMetric


@register("ttft", "time to first token")
class Ttft(SectionMetric):
    """Seconds from handing over the prompt to having the first token."""

    section = "ttft"
