"""The 90th percentile of the time of an iteration; in decode, of its time a token."""

from __future__ import annotations

from harness.metrics import register
from harness.metrics.percentile import Percentile


@register("time_p90", "90th percentile of an iteration's time; in decode, of its time a token")
class TimeP90(Percentile):
    """Needs 50 samples a round."""

    percent = 90
