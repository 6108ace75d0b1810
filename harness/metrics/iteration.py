"""The time of one iteration, which other figures use."""

from __future__ import annotations

from statistics import median

from harness.domain.result import Round


def main_section(one: Round) -> str:
    """The section that a round times: the whole iteration if timed, else a token."""
    return "latency" if one.timed("latency") else "tpot"


def section_median(one: Round, section: str) -> float | None:
    """Median seconds without warm-up; None if the round never timed the section."""
    timed = one.timed(section)
    return median(timed) if timed else None


def iteration_seconds(one: Round) -> float | None:
    """Median seconds of a whole iteration; None if neither it nor its parts were timed.

    `flops` and `bytes_moved` are of a whole iteration too. If only a part is timed, an iteration
    has `steps` of these parts.
    """
    whole = section_median(one, "latency")
    if whole:
        return whole
    part, steps = section_median(one, "tpot"), one.facts.get("steps")
    return part * steps if part and steps else None
