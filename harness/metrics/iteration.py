"""The time of one iteration, from which other figures are made."""

from __future__ import annotations

from statistics import median

from harness.domain.result import Round


def main_section(one: Round) -> str:
    """The section a round's iterations time first: the whole iteration, or a token of it."""
    return "latency" if one.timed("latency") else "tpot"


def section_median(one: Round, section: str) -> float | None:
    """Seconds, warm-up left out; None where the round never timed that section."""
    timed = one.timed(section)
    return median(timed) if timed else None


def iteration_seconds(one: Round) -> float | None:
    """Median seconds of a whole iteration; None where neither it nor its parts were timed.

    What is done in an iteration, such as `flops` and `bytes_moved`, goes with this time; where
    only a part is timed, `steps` of them make the iteration.
    """
    whole = section_median(one, "latency")
    if whole:
        return whole
    part, steps = section_median(one, "tpot"), one.facts.get("steps")
    return part * steps if part and steps else None
