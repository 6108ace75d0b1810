"""Metrics over held-out documents, with an interval over them rather than over rounds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from harness.analyse.documents import FEWEST, ratio
from harness.domain.metric import Estimate
from harness.domain.result import Round, Score
from harness.metrics import Group, Metric, Spread, registry


def lacks_documents(name: str, estimate: Estimate) -> bool:
    """Whether so few documents were read that the metric of that name has no interval."""
    of_documents = name in registry and issubclass(registry[name], DocumentMetric)
    return of_documents and estimate.low is None and estimate.samples < FEWEST


class DocumentMetric(Metric):
    """A sum over documents over another: bits over bytes, say."""

    group = Group.QUALITY

    @abstractmethod
    def parts(self, score: Score) -> tuple[float, float] | None:
        """Of one document what is summed above and below; None where it has no such figure."""

    def value(self, one: Round) -> float | None:
        """Over the round's documents; None where it has none."""
        parts = self._parts(one)
        return ratio(parts)[0] if parts else None

    def over(self, rounds: Sequence[Round]) -> Spread:
        """Of the newest round: each would read the same documents with the same model."""
        return ratio(self._parts(rounds[-1]))

    def samples(self, one: Round) -> int:
        """Documents."""
        return len(one.scores)

    def _parts(self, one: Round) -> list[tuple[float, float]]:
        told = [self.parts(score) for score in one.scores]
        return [parts for parts in told if parts is not None]
