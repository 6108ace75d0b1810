"""Figures as people say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def estimate_text(name: str, estimate: Estimate) -> str:
    """A metric with its unit and interval, e.g. `12.3 ms [12.1, 12.5]`."""
    from harness.site.format import figure, unit_of

    text = figure(estimate, unit_of(name, estimate.unit))
    return " ".join(part for part in (text.value, text.unit, text.interval) if part)
