"""Charts that compare cells: bars, and speed against quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.site.charts.parts import (
    DIGITS,
    Spec,
    ends,
    error_bars,
    frame,
    interval_tips,
    roles,
    scaled,
    titled,
    unique,
)
from harness.site.format import scale_for

_BAR = 26  # pixels per row of a bar chart


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
    """One cell in the plane of speed and quality."""

    name: str
    speed: float
    loss: float
    baseline: bool = False
    on_pareto_front: bool = False  # only these dots get their name beside them


def bars(rows: Sequence[Bar], title: str, unit: str) -> Spec:
    """Horizontal bars from zero with their intervals, in the order given."""
    scale = scale_for([row.value for row in rows], unit)
    names = unique([row.name for row in rows])
    data = [
        {
            "name": name,
            "value": scaled(row.value, scale),
            **ends(row, scale),
            "role": "baseline" if row.baseline else "cell",
        }
        for name, row in zip(names, rows, strict=True)
    ]
    axis_title = titled(title, scale)
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
        {"field": "value", "type": "quantitative", "title": axis_title, "format": DIGITS},
        *interval_tips(rows),
    ]
    return {
        **frame(len(rows) * _BAR, data),
        "encoding": {"y": y},
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.62}, "cornerRadiusEnd": 2},
                "encoding": {"x": x, "color": roles("cell", "baseline"), "tooltip": tooltip},
            },
            *error_bars("x", rows),
        ],
    }


def trade_off(dots: Sequence[Dot], speed: tuple[str, str], loss: tuple[str, str]) -> Spec:
    """A speed metric against quality loss; dots on the Pareto front have names.

    `speed` and `loss` are (title, unit) pairs.
    """
    speed_scale = scale_for([dot.speed for dot in dots], speed[1])
    loss_scale = scale_for([dot.loss for dot in dots], loss[1])
    names = unique([dot.name for dot in dots])
    middle = max(dot.loss for dot in dots) / 2
    data = [
        {
            "name": name,
            "speed": scaled(dot.speed, speed_scale),
            "loss": scaled(dot.loss, loss_scale),
            "role": "baseline" if dot.baseline else "cell",
            "label": ("left" if dot.loss > middle else "right") if dot.on_pareto_front else "",
        }
        for name, dot in zip(names, dots, strict=True)
    ]
    x = {
        "field": "loss",
        "type": "quantitative",
        "title": titled(loss[0], loss_scale),
        "scale": {"zero": True, "nice": True},
    }
    y = {
        "field": "speed",
        "type": "quantitative",
        "title": titled(speed[0], speed_scale),
        "scale": {"zero": False, "nice": True, "padding": 12},
    }
    tooltip = [
        {"field": "name", "type": "nominal", "title": "cell"},
        {"field": "speed", "type": "quantitative", "title": y["title"], "format": DIGITS},
        {"field": "loss", "type": "quantitative", "title": x["title"], "format": DIGITS},
    ]
    return {
        **frame(max(180, len(dots) * _BAR), data),
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 90},
                "encoding": {"color": roles("cell", "baseline"), "tooltip": tooltip},
            },
            *(_names(side) for side in ("left", "right") if any(v["label"] == side for v in data)),
        ],
    }


def _names(side: str) -> Spec:
    """Names beside dots, on the side that faces the middle of the chart, where there is room."""
    align, dx = {"right": ("left", 9), "left": ("right", -9)}[side]
    return {
        "transform": [{"filter": {"field": "label", "equal": side}}],
        "mark": {"type": "text", "style": "name", "align": align, "dx": dx, "limit": 240},
        "encoding": {"text": {"field": "name", "type": "nominal"}},
    }
