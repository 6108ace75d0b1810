"""Percentiles of the samples inside a round: the tail that a median hides."""

from __future__ import annotations

from statistics import quantiles
from typing import ClassVar

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric
from harness.metrics.iteration import main_section

# Fewest samples that lie beyond the percentile: fewer make it the luck of one or two of them.
_BEYOND = 5


class Percentile(Metric):
    """Seconds within which `percent` of a round's iterations end; in decode, their time a token.

    In a round by linear interpolation between samples (Hyndman and Fan 1996, definition 7);
    where some round has too few samples for it, the cell has none.
    """

    percent: ClassVar[int]
    unit = "s"
    direction = Direction.LOWER
    every_round = True

    def value(self, one: Round) -> float | None:
        """Of the main section; None with fewer than five samples beyond it.

        Nor where iterations are so short that a sample is the mean of several.
        """
        if one.facts.get("repeats", 1) > 1:
            return None
        timed = one.timed(main_section(one))
        if len(timed) * (100 - self.percent) < 100 * _BEYOND:
            return None
        return quantiles(timed, n=100, method="inclusive")[self.percent - 1]

    def samples(self, one: Round) -> int:
        """All those of the main section."""
        return len(one.timed(main_section(one)))
