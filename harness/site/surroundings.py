"""What a cell's page says about its host: the ceiling that binds, and any interference."""

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
    """Sentences and facts about the host; empty if unknown."""

    bound: str
    disturbed: tuple[str, ...]
    disturbed_rounds: tuple[int, ...]  # their indices
    looked: bool  # True if any round was watched for interference
    conditions: tuple[tuple[str, str], ...]
    not_measured: tuple[tuple[str, str], ...]  # titles of missing metrics, and the reasons


def surroundings(result: Result) -> Surroundings:
    """What the result's rounds recorded about their host."""
    watched = {sign.fact for sign in SIGNS}
    return Surroundings(
        bound=bound(result),
        disturbed=tuple(interference_report(result.rounds)),
        disturbed_rounds=tuple(one.index for one in result.rounds if is_disturbed(one)),
        looked=any(watched & set(one.facts) for one in result.rounds),
        conditions=tuple(conditions(result.rounds)),
        not_measured=tuple((words.title(name), why) for name, why in result.not_measured.items()),
    )


def bound(result: Result) -> str:
    """Which ceiling bounds the cell, and how close the cell comes; "" if the work is unknown.

    The work and the host are the same in every round, so the first round that has the facts
    counts.
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
            f"{done}: {intensity} FLOP per byte. It is not known whether compute or memory "
            "bandwidth binds, because the ceilings of this host were unknown when it was measured."
        )
    return (
        f"{done}: {intensity} FLOP per byte. In the time that this host reads a byte it can do "
        f"{known.ridge:.3g} FLOP, so {known.bound} binds.{_reached(result, known.bound)}"
    )


def _reached(result: Result, bound: str) -> str:
    share = result.metrics.get("roofline_share")
    if share is None:
        return ""
    reached = f" The cell reaches {percent(share.value)} of the roofline"
    cached = share.value > 1 and bound == BANDWIDTH
    return reached + (
        ": caches hold part of what is counted as read from memory." if cached else "."
    )


def conditions(rounds: Sequence[Round]) -> Iterator[tuple[str, str]]:
    """The host's conditions over all rounds, as (what, value) pairs."""
    for note, what in _NOTES:
        texts = dict.fromkeys(one.notes[note] for one in rounds if note in one.notes)
        if texts:
            yield what, ", ".join(texts)
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
    ("host_mhz", "processor frequency at the end of rounds", "MHz"),
    ("host_load", "load average before rounds, earlier rounds included", ""),
    ("host_gpu_clock_before", "frequency of the slowest GPU before samples", "MHz"),
    ("host_gpu_clock_after", "frequency of the slowest GPU after samples", "MHz"),
    ("host_gpu_temperature_after", "temperature of the hottest GPU after samples", "°C"),
    ("price_per_hour", "price", "USD per hour"),
)


def _span(values: Sequence[float]) -> str:
    least, most = f"{min(values):,.4g}", f"{max(values):,.4g}"
    return least if least == most else f"{least} to {most}"
