"""Charts as Vega-Lite specifications: plain data, from pure functions.

They contain no colours or fonts: the page adds those for its light or dark theme, by the style
names used here ("interval", "median", "moment", "change", ...).
"""

from harness.site.charts.across_cells import Bar, Dot, bars, trade_off
from harness.site.charts.by_buffer import bandwidth
from harness.site.charts.by_round import MOST_SAMPLES, samples, thinning
from harness.site.charts.over_commits import Moment, history
from harness.site.charts.over_lengths import Curve, growth
from harness.site.charts.parts import Chart, Spec

__all__ = [
    "MOST_SAMPLES",
    "Bar",
    "Chart",
    "Curve",
    "Dot",
    "Moment",
    "Spec",
    "bandwidth",
    "bars",
    "growth",
    "history",
    "samples",
    "thinning",
    "trade_off",
]
