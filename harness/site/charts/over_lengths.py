"""The chart of a metric over prompt lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.site.charts.parts import DIGITS, Spec, frame, scaled, titled, unique
from harness.site.format import scale_for


@dataclass(frozen=True)
class Curve:
    """A series over prompt lengths in tokens."""

    name: str
    points: tuple[tuple[int, float], ...]


def growth(lines: Sequence[Curve], title: str, unit: str) -> Spec:
    """A metric over prompt lengths, one line per series, both axes logarithmic."""
    scale = scale_for([value for line in lines for _, value in line.points], unit)
    names = unique([line.name for line in lines])
    data = [
        {"name": name, "length": length, "value": scaled(value, scale)}
        for name, line in zip(names, lines, strict=True)
        for length, value in line.points
    ]
    lengths = sorted({length for line in lines for length, _ in line.points})
    axis_title = titled(title, scale)
    # One legend shows both colour and dash, as lines: so points are hollow, which legends draw
    # like lines.
    legend = {"title": None, "columns": 1, "symbolType": "stroke", "symbolSize": 300}
    series = {"field": "name", "type": "nominal", "legend": legend}
    return {
        **frame(max(240, 18 * len(lines)), data),
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
                "axis": {"format": DIGITS, "tickCount": 5},
            },
            # Colours alone cannot distinguish a dozen lines, and not everybody sees colours.
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
                            "format": DIGITS,
                        },
                    ],
                },
            },
        ],
    }
