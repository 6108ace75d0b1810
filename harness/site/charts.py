"""Charts as Vega-Lite specifications: plain data, from pure functions.

Colours and fonts are absent on purpose: the page adds them for its light or dark theme, by
the style names used here ("interval", "median", "moment").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from harness.domain.result import Round
from harness.site.format import Scale, finite, scale_for

Spec: TypeAlias = dict[str, Any]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_DIGITS = ",.6~g"  # six significant digits, no trailing zeros
_BAR = 26  # pixels a row of a bar chart takes
MOST_SAMPLES = 3000  # marks one chart can hold before a browser becomes slow


@dataclass(frozen=True)
class Chart:
    """A specification and the sentence under it, which also names it for screen readers."""

    caption: str
    spec: Spec


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart. Values are in the metric's own unit."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    baseline: bool = False


@dataclass(frozen=True)
class Dot:
    """One cell in a plane of speed and quality."""

    name: str
    speed: float
    loss: float
    baseline: bool = False
    front: bool = False  # whether it is named, as nothing beats it


@dataclass(frozen=True)
class Line:
    """A series over lengths in tokens."""

    name: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Moment:
    """A metric's value at one commit."""

    label: str  # short, e.g. "1a2b3c4"
    subject: str
    date: str
    value: float
    low: float | None = None
    high: float | None = None


def bars(rows: Sequence[Bar], title: str, unit: str) -> Spec:
    """Horizontal bars from zero, in the order given, with their intervals."""
    scale = scale_for([row.value for row in rows], unit)
    names = _unique([row.name for row in rows])
    data = [
        {
            "name": name,
            "value": _scaled(row.value, scale),
            **_ends(row, scale),
            "role": "baseline" if row.baseline else "cell",
        }
        for name, row in zip(names, rows, strict=True)
    ]
    axis_title = _titled(title, scale)
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"ticks": False, "domain": False},
    }
    x = {"field": "value", "type": "quantitative", "title": axis_title, "scale": {"zero": True}}
    tooltip = [
        {"field": "name", "type": "nominal", "title": "cell"},
        {"field": "value", "type": "quantitative", "title": axis_title, "format": _DIGITS},
        *_interval_tips(rows),
    ]
    return {
        **_frame(len(rows) * _BAR, data),
        "encoding": {"y": y},
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.62}, "cornerRadiusEnd": 2},
                "encoding": {"x": x, "color": _roles("cell", "baseline"), "tooltip": tooltip},
            },
            *_error_bars("x", rows),
        ],
    }


def trade_off(dots: Sequence[Dot], speed: tuple[str, str], loss: tuple[str, str]) -> Spec:
    """A speed metric against loss of quality, with the names of the dots that nothing beats.

    `speed` and `loss` are each (title, unit).
    """
    speed_scale = scale_for([dot.speed for dot in dots], speed[1])
    loss_scale = scale_for([dot.loss for dot in dots], loss[1])
    names = _unique([dot.name for dot in dots])
    middle = max(dot.loss for dot in dots) / 2
    data = [
        {
            "name": name,
            "speed": _scaled(dot.speed, speed_scale),
            "loss": _scaled(dot.loss, loss_scale),
            "role": "baseline" if dot.baseline else "cell",
            "label": ("left" if dot.loss > middle else "right") if dot.front else "",
        }
        for name, dot in zip(names, dots, strict=True)
    ]
    x = {
        "field": "loss",
        "type": "quantitative",
        "title": _titled(loss[0], loss_scale),
        "scale": {"zero": True, "nice": True},
    }
    y = {
        "field": "speed",
        "type": "quantitative",
        "title": _titled(speed[0], speed_scale),
        "scale": {"zero": False, "nice": True, "padding": 12},
    }
    tooltip = [
        {"field": "name", "type": "nominal", "title": "cell"},
        {"field": "speed", "type": "quantitative", "title": y["title"], "format": _DIGITS},
        {"field": "loss", "type": "quantitative", "title": x["title"], "format": _DIGITS},
    ]
    return {
        **_frame(max(180, len(dots) * _BAR), data),
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 90},
                "encoding": {"color": _roles("cell", "baseline"), "tooltip": tooltip},
            },
            *(_names(side) for side in ("left", "right") if any(v["label"] == side for v in data)),
        ],
    }


def _names(side: str) -> Spec:
    """Names beside dots, towards the middle of the chart, where there is room."""
    align, dx = {"right": ("left", 9), "left": ("right", -9)}[side]
    return {
        "transform": [{"filter": {"field": "label", "equal": side}}],
        "mark": {"type": "text", "style": "name", "align": align, "dx": dx, "limit": 240},
        "encoding": {"text": {"field": "name", "type": "nominal"}},
    }


def samples(rounds: Sequence[Round], section: str, title: str) -> Spec:
    """Every sample of a section, in the order taken, a strip a round; warm-up marked apart."""
    taken = [
        (one.index, position, sample)
        for one in rounds
        for position, sample in enumerate(s for s in one.samples if s.section == section)
    ]
    step = thinning(len(taken))
    scale = scale_for([sample.seconds for _, _, sample in taken], "s")
    data = [
        {
            "round": index + 1,
            "position": position + 1,
            "value": _scaled(sample.seconds, scale),
            "kind": "warm-up" if sample.warmup else "measured",
        }
        for index, position, sample in taken[::step]
    ]
    axis_title = _titled(title, scale)
    return {
        **_frame(220, data),
        "encoding": {
            "x": {
                "field": "round",
                "type": "ordinal",
                "title": "round (within it: samples in the order taken)",
                "axis": {"labelAngle": 0, "grid": False},
            },
        },
        "layer": [
            {
                "mark": {"type": "point", "size": 22},
                "encoding": {
                    "xOffset": {"field": "position", "type": "quantitative"},
                    "y": {
                        "field": "value",
                        "type": "quantitative",
                        "title": axis_title,
                        "scale": {"zero": False, "nice": True},
                    },
                    "color": _roles("measured", "warm-up", field="kind", legend=True),
                    "shape": _shapes(),
                    "tooltip": [
                        {"field": "round", "type": "ordinal"},
                        {"field": "position", "type": "quantitative", "title": "sample"},
                        {"field": "value", "type": "quantitative", "title": axis_title},
                        {"field": "kind", "type": "nominal"},
                    ],
                },
            },
            *([_medians()] if any(value["kind"] == "measured" for value in data) else []),
        ],
    }


def _medians() -> Spec:
    """A line along each round's measured samples, all at the height of their median."""
    return {
        "transform": [
            {"filter": {"field": "kind", "equal": "measured"}},
            {
                "joinaggregate": [{"op": "median", "field": "value", "as": "median"}],
                "groupby": ["round"],
            },
        ],
        "mark": {"type": "line", "style": "median"},
        "encoding": {
            "xOffset": {"field": "position", "type": "quantitative"},
            "y": {"field": "median", "type": "quantitative"},
            "detail": {"field": "round", "type": "ordinal"},
        },
    }


def thinning(count: int) -> int:
    """Every how many-th sample a chart draws, so that it holds at most MOST_SAMPLES."""
    return max(1, -(-count // MOST_SAMPLES))


def history(moments: Sequence[Moment], title: str, unit: str) -> Spec:
    """A metric over commits, oldest first as given, with intervals."""
    scale = scale_for([moment.value for moment in moments], unit)
    names = _unique([moment.label for moment in moments])
    data = [
        {
            "commit": name,
            "subject": moment.subject,
            "date": moment.date,
            "value": _scaled(moment.value, scale),
            **_ends(moment, scale),
        }
        for name, moment in zip(names, moments, strict=True)
    ]
    axis_title = _titled(title, scale)
    y = {
        "field": "value",
        "type": "quantitative",
        "title": axis_title,
        "scale": {"zero": False, "nice": True},
        # Without a format the only tick of a constant is rounded to a whole number.
        "axis": {"format": _DIGITS},
    }
    tooltip = [
        {"field": "commit", "type": "nominal"},
        {"field": "subject", "type": "nominal"},
        {"field": "date", "type": "nominal"},
        {"field": "value", "type": "quantitative", "title": axis_title, "format": _DIGITS},
        *_interval_tips(moments),
    ]
    return {
        **_frame(180, data),
        "encoding": {
            "x": {
                "field": "commit",
                "type": "ordinal",
                "sort": None,
                "title": None,
                "axis": {"labelAngle": -35, "labelOverlap": True, "labelLimit": 120},
            },
        },
        "layer": [
            {"mark": {"type": "line"}, "encoding": {"y": y}},
            *_error_bars("y", moments),
            {
                "mark": {"type": "point", "filled": True, "size": 60, "style": "moment"},
                "encoding": {"y": y, "tooltip": tooltip},
            },
        ],
    }


def growth(lines: Sequence[Line], title: str, unit: str) -> Spec:
    """A metric over prompt lengths, a line a series, both axes logarithmic."""
    scale = scale_for([value for line in lines for _, value in line.points], unit)
    names = _unique([line.name for line in lines])
    data = [
        {"name": name, "length": length, "value": _scaled(value, scale)}
        for name, line in zip(names, lines, strict=True)
        for length, value in line.points
    ]
    lengths = sorted({length for line in lines for length, _ in line.points})
    axis_title = _titled(title, scale)
    # One legend tells both, as lines: so points are hollow, which legends draw like lines.
    legend = {"title": None, "columns": 1, "symbolType": "stroke", "symbolSize": 300}
    series = {"field": "name", "type": "nominal", "legend": legend}
    return {
        **_frame(max(240, 18 * len(lines)), data),
        "encoding": {
            "x": {
                "field": "length",
                "type": "quantitative",
                "title": "prompt (tokens)",
                "scale": {"type": "log", "nice": False, "padding": 12},
                "axis": {"values": lengths, "format": "d"},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": axis_title,
                "scale": {"type": "log", "nice": True},
                "axis": {"format": _DIGITS, "tickCount": 5},
            },
            # Colours alone would not tell a dozen lines apart, nor everybody any two.
            "color": series,
            "strokeDash": series,
        },
        "layer": [
            {"mark": {"type": "line"}},
            {
                "mark": {"type": "point", "filled": False, "size": 30, "strokeWidth": 2},
                "encoding": {
                    "tooltip": [
                        {"field": "name", "type": "nominal", "title": "cell"},
                        {"field": "length", "type": "quantitative", "title": "prompt"},
                        {
                            "field": "value",
                            "type": "quantitative",
                            "title": axis_title,
                            "format": _DIGITS,
                        },
                    ],
                },
            },
        ],
    }


def _frame(height: int, data: list[dict[str, Any]]) -> Spec:
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "height": height,
        "data": {"values": data},
    }


def _error_bars(channel: str, rows: Sequence[Bar] | Sequence[Moment]) -> list[Spec]:
    """A rule from low to high with end caps, where there is an interval."""
    if not any(map(_has_interval, rows)):
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


def _interval_tips(rows: Sequence[Bar] | Sequence[Moment]) -> list[Spec]:
    if not any(map(_has_interval, rows)):
        return []
    return [
        {"field": end, "type": "quantitative", "title": f"95% {end}", "format": _DIGITS}
        for end in ("low", "high")
    ]


def _ends(row: Bar | Moment, scale: Scale) -> Spec:
    if not _has_interval(row):
        return {"low": None, "high": None}
    return {"low": _scaled(row.low, scale), "high": _scaled(row.high, scale)}


def _has_interval(row: Bar | Moment) -> bool:
    """Whether there is an interval to draw; a constant's has no width."""
    return finite(row.low) is not None and finite(row.high) is not None and row.low != row.high


def _roles(*names: str, field: str = "role", legend: bool = False) -> Spec:
    """Colour by role; the page's theme has a colour for each, in this order."""
    shown: Spec = {"title": None, "orient": "top"}
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(names)},
        "legend": shown if legend else None,
    }


def _shapes() -> Spec:
    return {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": ["measured", "warm-up"], "range": ["circle", "cross"]},
        "legend": {"title": None, "orient": "top"},
    }


def _scaled(value: float | None, scale: Scale) -> float | None:
    number = finite(value)
    return None if number is None else number / scale.factor


def _titled(title: str, scale: Scale) -> str:
    unit = scale.symbol
    return title if unit.lower() in {"", title.lower()} else f"{title} ({unit})"


def _unique(names: Sequence[str]) -> list[str]:
    """The names, with a number after those that occur again: a chart stacks equal ones."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
