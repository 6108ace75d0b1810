"""What a cell's page says of the host around it: which limit binds, and what disturbed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analyse.interference import SIGNS, interference_report, is_disturbed
from harness.analyse.roofline import BANDWIDTH, roofline
from harness.domain.result import Result, Round
from harness.site import words
from harness.site.format import percent, quantity


@dataclass(frozen=True)
class Surroundings:
    """Sentences and facts of the host; what is empty was not told."""

    limit: str
    disturbed: tuple[str, ...]
    disturbed_rounds: tuple[int, ...]  # their indices
    looked: bool  # whether any round was watched for interference
    conditions: tuple[tuple[str, str], ...]
    not_measured: tuple[tuple[str, str], ...]  # titles of metrics asked for, and why not


def surroundings(result: Result) -> Surroundings:
    """Of the result's rounds."""
    watched = {sign.fact for sign in SIGNS}
    return Surroundings(
        limit=limit(result),
        disturbed=tuple(interference_report(result.rounds)),
        disturbed_rounds=tuple(one.index for one in result.rounds if is_disturbed(one)),
        looked=any(watched & set(one.facts) for one in result.rounds),
        conditions=tuple(conditions(result.rounds)),
        not_measured=tuple((words.title(name), why) for name, why in result.not_measured.items()),
    )


def limit(result: Result) -> str:
    """Which ceiling binds the work, and how near to it the cell comes; "" where bytes are unknown.

    Work is the same in every round, and so is the host: the first round that tells speaks.
    """
    facts = next((one.facts for one in result.rounds if one.facts.get("bytes_moved")), {})
    flops, moved = facts.get("flops"), facts.get("bytes_moved")
    if not flops or not moved:
        return ""
    intensity = f"{flops / moved:.3g}"
    done = f"An iteration does {quantity(flops, 'FLOP')} and moves {quantity(moved, 'B')}"
    known = roofline(facts)
    if known is None:
        return (
            f"{done}: {intensity} FLOP for each byte. Which limit binds is not told: the ceilings "
            "of this host were not known when it was measured."
        )
    return (
        f"{done}: {intensity} FLOP for each byte. In the time this host reads a byte it can do "
        f"{known.ridge:.3g} FLOP, so {known.limit} binds.{_reached(result, known.limit)}"
    )


def _reached(result: Result, limit: str) -> str:
    share = result.metrics.get("roofline_share")
    if share is None:
        return ""
    reached = f" It reaches {percent(share.value)} of the speed that allows"
    cached = share.value > 1 and limit == BANDWIDTH
    return reached + (
        ": caches hold part of what is counted as read from memory." if cached else "."
    )


def conditions(rounds: Sequence[Round]) -> Iterator[tuple[str, str]]:
    """How the host stood, over all rounds."""
    for note, what in _NOTES:
        told = dict.fromkeys(one.notes[note] for one in rounds if note in one.notes)
        if told:
            yield what, ", ".join(told)
    for fact, what, unit in _FACTS:
        values = [one.facts[fact] for one in rounds if fact in one.facts]
        if values:
            yield what, f"{_span(values)} {unit}".strip()


_NOTES = (
    ("host_governor", "frequency governor"),
    ("host_turbo", "turbo"),
    ("host_allocator", "memory allocator"),
    ("host_launcher", "launcher"),
    ("host_engine", "launcher"),  # its name in older databases
)
_FACTS = (
    ("host_mhz", "processor clock at the end of rounds", "MHz"),
    ("host_load", "load before rounds, earlier rounds included", ""),
    ("host_gpu_clock_before", "GPU clock before samples, the slowest's", "MHz"),
    ("host_gpu_clock_after", "GPU clock after samples, the slowest's", "MHz"),
    ("host_gpu_temperature_after", "GPU temperature after samples, the hottest's", "°C"),
    ("price_per_hour", "price", "USD an hour"),
)


def _span(values: Sequence[float]) -> str:
    least, most = f"{min(values):,.4g}", f"{max(values):,.4g}"
    return least if least == most else f"{least} to {most}"
