"""The parts that all charts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from harness.site.format import Scale, finite

Spec: TypeAlias = dict[str, Any]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
DIGITS = ",.6~g"  # six significant digits, no trailing zeros


@dataclass(frozen=True)
class Chart:
    """A specification and its caption, which also labels the chart for screen readers."""

    caption: str
    spec: Spec


class WithInterval(Protocol):
    """An item that may have an interval: a bar or a moment."""

    @property
    def low(self) -> float | None:
        """The lower end, in the metric's own unit."""

    @property
    def high(self) -> float | None:
        """The upper end."""


def frame(height: int, data: list[dict[str, Any]]) -> Spec:
    """The keys that every chart has; a chart is as wide as the page allows."""
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "height": height,
        "data": {"values": data},
    }


def error_bars(channel: str, rows: Sequence[WithInterval]) -> list[Spec]:
    """A line from low to high with end caps, for rows that have an interval."""
    if not any(map(has_interval, rows)):
        return []
    has = [
        {"filter": {"field": "low", "valid": True}},
        {"filter": {"field": "high", "valid": True}},
    ]
    ends = {
        channel: {"field": "low", "type": "quantitative"},
        f"{channel}2": {"field": "high"},
    }
    orient = "vertical" if channel == "x" else "horizontal"
    caps = [
        {
            "transform": has,
            "mark": {
                "type": "tick",
                "style": "interval",
                "orient": orient,
                "size": 8,
                "thickness": 1.5,
            },
            "encoding": {channel: {"field": end, "type": "quantitative"}},
        }
        for end in ("low", "high")
    ]
    rule = {"type": "rule", "style": "interval", "strokeWidth": 1.5}
    return [{"transform": has, "mark": rule, "encoding": ends}, *caps]


def interval_tips(rows: Sequence[WithInterval]) -> list[Spec]:
    """The interval's ends for the tooltip; empty if no row has an interval."""
    if not any(map(has_interval, rows)):
        return []
    return [
        {"field": end, "type": "quantitative", "title": f"95% {end}", "format": DIGITS}
        for end in ("low", "high")
    ]


def ends(row: WithInterval, scale: Scale) -> Spec:
    """The interval's ends as chart data; null if there is no interval."""
    if not has_interval(row):
        return {"low": None, "high": None}
    return {"low": scaled(row.low, scale), "high": scaled(row.high, scale)}


def has_interval(row: WithInterval) -> bool:
    """True if there is an interval to draw; a constant's has no width."""
    return finite(row.low) is not None and finite(row.high) is not None and row.low != row.high


def roles(*names: str, field: str = "role", legend: bool = False) -> Spec:
    """Colour by role; the page's theme assigns a colour to each role, in this order."""
    shown: Spec = {"title": None, "orient": "top"}
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(names)},
        "legend": shown if legend else None,
    }


def scaled(value: float | None, scale: Scale) -> float | None:
    """The value in the scale's unit; None if JSON cannot hold it."""
    number = finite(value)
    return None if number is None else number / scale.factor


def titled(title: str, scale: Scale) -> str:
    """The title with the scale's unit, unless the title is the unit."""
    unit = scale.symbol
    return title if unit.lower() in {"", title.lower()} else f"{title} ({unit})"


def unique(names: Sequence[str]) -> list[str]:
    """The names, with a number after repeated ones: a chart would stack equal names."""
    seen: dict[str, int] = {}
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return numbered
