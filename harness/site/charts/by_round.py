"""The chart of every sample of a section, round by round."""

from __future__ import annotations

from collections.abc import Sequence

from harness.domain.result import Round
from harness.site.charts.parts import Spec, frame, roles, scaled, titled
from harness.site.format import scale_for

MOST_SAMPLES = 3000  # marks that a chart can hold before a browser becomes slow


def samples(rounds: Sequence[Round], section: str, title: str) -> Spec:
    """All samples of a section in the order taken, one strip per round; warm-up is marked."""
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
            "value": scaled(sample.seconds, scale),
            "kind": "warm-up" if sample.warmup else "measured",
        }
        for index, position, sample in taken[::step]
    ]
    axis_title = titled(title, scale)
    return {
        **frame(220, data),
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
                    "color": roles("measured", "warm-up", field="kind", legend=True),
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
    """A horizontal line across each round's measured samples, at their median."""
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
    """The n for which drawing every n-th sample keeps a chart within MOST_SAMPLES."""
    return max(1, -(-count // MOST_SAMPLES))


def _shapes() -> Spec:
    return {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": ["measured", "warm-up"], "range": ["circle", "cross"]},
        "legend": {"title": None, "orient": "top"},
    }
