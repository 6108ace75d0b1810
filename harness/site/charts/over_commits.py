"""The chart of a metric over commits: one line per environment, with the changes between."""

from __future__ import annotations

import json
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
from harness.site.format import Scale, scale_for

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
    level: float | None = None  # of the series around this moment; None if it was not judged
    step: str = ""  # how far the level changed here, e.g. "+6.1%", if it did
    worse: bool = False  # True if that step is a regression


def history(moments: Sequence[Moment], title: str, unit: str) -> Spec:
    """A metric over commits with its intervals, in the order given, oldest first.

    A moment with a change starts a new line, after a vertical rule that names the change. A moment
    with a step is named by it; if there is any, a line shows each level.
    """
    scale = scale_for([moment.value for moment in moments], unit)
    names = unique([moment.label for moment in moments])
    environments = list(accumulate(int(bool(moment.change)) for moment in moments))
    parts = list(accumulate(int(bool(moment.change or moment.step)) for moment in moments))
    data: list[dict[str, Any]] = [
        {
            "commit": name,
            "subject": moment.subject,
            "date": moment.date,
            "value": scaled(moment.value, scale),
            **ends(moment, scale),
            "environment": environment,
            "change": moment.change,
            **_level(moment, scale, part),
        }
        for name, moment, environment, part in zip(names, moments, environments, parts, strict=True)
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
            *_levels(moments, y),
            *error_bars("y", moments),
            {
                "mark": {"type": "point", "filled": True, "size": 60, "style": "moment"},
                "encoding": {"y": y, "tooltip": tooltip},
            },
        ],
    }


def _level(moment: Moment, scale: Scale, part: int) -> dict[str, Any]:
    if moment.level is None:
        return {}
    return {
        "level": scaled(moment.level, scale),
        "part": part,
        "step": moment.step,
        "worse": moment.worse,
    }


def _levels(moments: Sequence[Moment], y: Spec) -> list[Spec]:
    """A line at each level, and the size of each step above its first moment."""
    if not any(moment.step for moment in moments):
        return []
    known = {"transform": [{"filter": "isValid(datum.level)"}]}
    line: Spec = {
        **known,
        "mark": {"type": "line", "style": "median"},
        "encoding": {
            "y": {**y, "field": "level"},
            "detail": {"field": "part", "type": "ordinal"},
        },
    }
    kinds = sorted({(one.worse, one.step.startswith("-")) for one in moments if one.step})
    return [line, *(_step(y, worse=worse, down=down) for worse, down in kinds)]


def _step(y: Spec, *, worse: bool, down: bool) -> Spec:
    """The sizes of steps of one kind: above the first moment of a step up, below that of one down.

    A layer without any moment would have Vega warn of an infinite extent.
    """
    place = {"baseline": "top", "dy": 9} if down else {"baseline": "bottom", "dy": -9}
    is_worse, is_down = (json.dumps(one) for one in (worse, down))
    of_kind = f"datum.worse === {is_worse} && (datum.step[0] === '-') === {is_down}"
    return {
        "transform": [{"filter": f"datum.step && {of_kind}"}],
        "mark": {
            "type": "text",
            "style": "worse" if worse else "better",
            "fontWeight": 600,
            **place,
        },
        "encoding": {"y": y, "text": {"field": "step", "type": "nominal"}},
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
