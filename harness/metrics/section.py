"""Metrics that are the median of a timed section."""

from __future__ import annotations

from statistics import median
from typing import ClassVar

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric


class SectionMetric(Metric):
    """Seconds of a section: in a round, the median over its samples, warm-up left out."""

    section: ClassVar[str]
    unit = "s"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """The median; None where the round never timed that section."""
        return section_median(one, self.section)

    def samples(self, one: Round) -> int:
        """Those timed."""
        return len(one.timed(self.section))


def section_median(one: Round, section: str) -> float | None:
    """Seconds, warm-up left out; None where the round never timed that section."""
    timed = one.timed(section)
    return median(timed) if timed else None
