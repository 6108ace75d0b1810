"""The chart of a metric over commits: one line per environment, with the changes between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from harness.site.charts.parts import (
    DIGITS,
    Spec,
    ends,
    error_bars,
    frame,
    interval_tips,
    scaled,
    titled,
    unique,
)
from harness.site.format import scale_for

_NAMED = 3  # the newest changes are named in the chart; each name takes a row above it
_NAME_ROW = 14  # pixels
# Halfway between a commit and the previous one.
_EDGE: Spec = {"field": "commit", "type": "ordinal", "bandPosition": 0}


@dataclass(frozen=True)
class Moment:
    """A metric's value at one commit."""

    label: str  # short, e.g. "1a2b3c4"
    subject: str
    date: str
    value: float
    low: float | None = None
    high: float | None = None
    change: str = ""  # what changed in the environment since the previous moment, if anything


def history(moments: Sequence[Moment], title: str, unit: str) -> Spec:
    """A metric over commits with its intervals, in the order given, oldest first.

    A moment with a change starts a new line, after a vertical rule that names the change.
    """
    scale = scale_for([moment.value for moment in moments], unit)
    names = unique([moment.label for moment in moments])
    environments = list(accumulate(int(bool(moment.change)) for moment in moments))
    data: list[dict[str, Any]] = [
        {
            "commit": name,
            "subject": moment.subject,
            "date": moment.date,
            "value": scaled(moment.value, scale),
            **ends(moment, scale),
            "environment": environment,
            "change": moment.change,
        }
        for name, moment, environment in zip(names, moments, environments, strict=True)
    ]
    axis_title = titled(title, scale)
    y = {
        "field": "value",
        "type": "quantitative",
        "title": axis_title,
        "scale": {"zero": False, "nice": True},
        # Without a format, a constant's only tick would be rounded to a whole number.
        "axis": {"format": DIGITS},
    }
    tooltip = [
        {"field": "commit", "type": "nominal"},
        {"field": "subject", "type": "nominal"},
        {"field": "date", "type": "nominal"},
        {"field": "value", "type": "quantitative", "title": axis_title, "format": DIGITS},
        *interval_tips(moments),
    ]
    return {
        **frame(180, data),
        "encoding": {
            "x": {
                "field": "commit",
                "type": "ordinal",
                "sort": None,
                "title": None,
                "scale": {"type": "band"},  # a rule stands at the edge of a band
                "axis": {"labelAngle": -35, "labelOverlap": True, "labelLimit": 120},
            },
        },
        "layer": [
            {
                "mark": {"type": "line"},
                "encoding": {"y": y, "detail": {"field": "environment", "type": "ordinal"}},
            },
            *_changes(moments, data),
            *error_bars("y", moments),
            {
                "mark": {"type": "point", "filled": True, "size": 60, "style": "moment"},
                "encoding": {"y": y, "tooltip": tooltip},
            },
        ],
    }


def _changes(moments: Sequence[Moment], data: Sequence[dict[str, Any]]) -> list[Spec]:
    """A rule before each moment with a change, and the names of the newest changes above."""
    places = [place for place, moment in enumerate(moments) if moment.change]
    if not places:
        return []
    changed = {"transform": [{"filter": "datum.change"}]}
    tooltip = {"field": "change", "type": "nominal"}
    rule = {"type": "rule", "style": "change", "strokeDash": [4, 3], "strokeWidth": 1.5}
    names = [
        _name(data[place], place / len(data), row)
        for row, place in enumerate(reversed(places[-_NAMED:]))
    ]
    return [{**changed, "mark": rule, "encoding": {"x": _EDGE, "tooltip": tooltip}}, *names]


def _name(value: dict[str, Any], share: float, row: int) -> Spec:
    """The change's text above its rule at this share of the width, on the side with more room."""
    side = {"align": "left", "dx": 3} if share <= 1 / 2 else {"align": "right", "dx": -3}
    return {
        "transform": [{"filter": {"field": "commit", "equal": value["commit"]}}],
        "mark": {
            "type": "text",
            "style": "change-name",
            "baseline": "bottom",
            "limit": {"expr": f"width * {max(share, 1 - share):.3f}"},
            **side,
        },
        "encoding": {
            "x": _EDGE,
            "y": {"value": -2 - row * _NAME_ROW},
            "text": {"field": "change", "type": "nominal"},
        },
    }
