"""Metrics over held-out documents; their intervals are over documents, not over rounds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from harness.analyse.documents import FEWEST, ratio
from harness.domain.metric import Estimate
from harness.domain.result import Round, Score
from harness.metrics import Group, Metric, Spread, registry


def lacks_documents(name: str, estimate: Estimate) -> bool:
    """True if the metric has no interval because there are too few documents."""
    of_documents = name in registry and issubclass(registry[name], DocumentMetric)
    return of_documents and estimate.low is None and estimate.samples < FEWEST


class DocumentMetric(Metric):
    """A ratio of two sums over documents, e.g. bits over bytes."""

    group = Group.QUALITY

    @abstractmethod
    def parts(self, score: Score) -> tuple[float, float] | None:
        """One document's terms in numerator and denominator; None if it has no such figure."""

    def value(self, one: Round) -> float | None:
        """The ratio over the round's documents; None without documents."""
        parts = self._parts(one)
        return ratio(parts)[0] if parts else None

    def over(self, rounds: Sequence[Round]) -> Spread:
        """The newest round's ratio: all rounds read the same documents with the same model."""
        return ratio(self._parts(rounds[-1]))

    def samples(self, one: Round) -> int:
        """The number of documents."""
        return len(one.scores)

    def _parts(self, one: Round) -> list[tuple[float, float]]:
        scored = [self.parts(score) for score in one.scores]
        return [parts for parts in scored if parts is not None]
