"""The median of a timed section."""

from __future__ import annotations

from statistics import median

from harness.domain.result import Round


def section_median(one: Round, section: str) -> float | None:
    """Seconds, warm-up left out; None where the round never timed that section."""
    timed = one.timed(section)
    return median(timed) if timed else None
