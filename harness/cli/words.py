"""Formats durations, estimates and ceilings as people say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.dispatch import ceilings
    from harness.domain.metric import Estimate

_MINUTE, _HOUR = 60, 3600


def duration(seconds: float) -> str:
    """`40 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 1:
        return "under 1 s"
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def duration_range(low: float, high: float) -> str:
    """`2 to 9 min`, `40 s to 3 min`; one figure if both ends round to it."""
    (least, unit), (most, last) = _rough(low), _rough(high)
    if unit != last:
        return f"{least} {unit} to {most} {last}"
    return f"{most} {last}" if least == most else f"{least} to {most} {last}"


def part_of(left: float, total: float) -> str:
    """What is left of a time: `4 of 10 min`, `40 s of 10 min`."""
    (rest, unit), (whole, last) = _rough(left) if left > 0 else ("0", "s"), _rough(total)
    return f"{rest} of {whole} {last}" if unit == last else f"{rest} {unit} of {whole} {last}"


def _rough(seconds: float) -> tuple[str, str]:
    """A number without false precision, and its unit."""
    if round(seconds) < 1:
        return "1", "s"
    if seconds < 1.5 * _MINUTE:
        return f"{seconds:.0f}", "s"
    if seconds < 1.5 * _HOUR:
        return f"{seconds / _MINUTE:.0f}", "min"
    return f"{seconds / _HOUR:.{1 if seconds < 10 * _HOUR else 0}f}", "h"


def estimate_text(name: str, estimate: Estimate) -> str:
    """A metric with its unit and interval, e.g. `12.3 ms [12.1, 12.5]`."""
    from harness.site.words import figure_of

    text = figure_of(name, estimate)
    plain = not text.interval or text.interval.startswith("[")
    interval = text.interval if plain else f"({text.interval})"
    return " ".join(part for part in (text.value, text.unit, interval) if part)


def ceiling_line(event: ceilings.Event, *, verbose: bool = False) -> str:
    """A line on the measurement of a host's ceilings, e.g. `gemm_fp32: 324 GFLOP/s`.

    If `verbose`, it adds how a ceiling was measured, and a line for each kernel tried.
    """
    from harness.ceilings.messages import Found
    from harness.dispatch.ceilings import Begun, Failed, PutOff
    from harness.site.format import quantity

    if isinstance(event, Begun):
        time = duration(event.expected_seconds)
        return f"measuring the ceilings of {event.hardware}, once: about {time}"
    if isinstance(event, PutOff):
        left = "are left for the next run"
        time = duration(event.expected_seconds)
        return f"the ceilings of {event.hardware} {left}: {time} do not fit into the budget"
    if isinstance(event, Failed):
        return f"some ceilings of {event.hardware} are unknown: {event.reason}"
    if isinstance(event, Found):
        one = event.ceiling
        figure = f"  {one.name}: {quantity(one.value, one.unit)}"
        if not verbose:
            return figure + one.caveat
        tried = [f"    {kernel}: {quantity(rate, one.unit)}" for kernel, rate in event.tried]
        return "\n".join([f"{figure} ({one.explanation})", *tried])
    return f"  {event.name}: not measured: {event.reason}"
