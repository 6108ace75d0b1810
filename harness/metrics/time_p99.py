"""The 99th percentile of the time of an iteration; in decode, of its time a token."""

from __future__ import annotations

from harness.metrics import register
from harness.metrics.percentile import Percentile


@register("time_p99", "99th percentile of an iteration's time; in decode, of its time a token")
class TimeP99(Percentile):
    """Needs 500 samples a round."""

    percent = 99
