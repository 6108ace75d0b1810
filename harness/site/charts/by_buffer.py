"""The chart of memory bandwidth over buffer sizes."""

from __future__ import annotations

from collections.abc import Sequence

from harness.site.charts.parts import DIGITS, Spec, frame, titled
from harness.site.format import scale_for

_MIB = 2**20


def bandwidth(points: Sequence[tuple[int, float]], memory: float | None) -> Spec:
    """Read bandwidth (B/s) over buffer size (bytes, logarithmic); a dashed line marks memory's."""
    scale = scale_for([value for _, value in points], "B/s")
    data = [{"size": size / _MIB, "value": value / scale.factor} for size, value in points]
    axis_title = titled("Read bandwidth", scale)
    x = {
        "field": "size",
        "type": "quantitative",
        "title": "buffer (MiB)",
        "scale": {"type": "log", "base": 2, "nice": False, "padding": 12},
        "axis": {"values": [one["size"] for one in data], "format": "d", "grid": False},
    }
    y = {"field": "value", "type": "quantitative", "title": axis_title, "scale": {"zero": True}}
    tooltip = [
        {"field": "size", "type": "quantitative", "title": "buffer (MiB)", "format": "d"},
        {"field": "value", "type": "quantitative", "title": axis_title, "format": DIGITS},
    ]
    rule = {"type": "rule", "style": "change", "strokeDash": [4, 3], "strokeWidth": 1.5}
    beyond = [{"mark": rule, "encoding": {"y": {"datum": memory / scale.factor}}}] if memory else []
    return {
        **frame(180, data),
        "layer": [
            {"mark": {"type": "line"}, "encoding": {"x": x, "y": y}},
            *beyond,
            {
                "mark": {"type": "point", "filled": True, "size": 60, "style": "moment"},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
        ],
    }
