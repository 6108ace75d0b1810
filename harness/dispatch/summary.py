"""The metrics of a round, and of a cell over its rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness import metrics
from harness.analyse.interference import counted_rounds
from harness.domain.metric import Estimate
from harness.domain.result import Round, Status


def valued(measured: Round) -> Round:
    """The round, with the value of every registered metric that it carries."""
    values = {entry.name: entry().value(measured) for entry in metrics.registry.entries()}
    carried = {name: value for name, value in values.items() if value is not None}
    return replace(measured, values=carried)


def with_headline(measured: Round, headline: str) -> Round:
    """The round, turned into a failure if its status is OK and it lacks its headline metric."""
    if measured.status is not Status.OK or headline in measured.values:
        return measured
    reason = f"its report cannot be read: it has no {headline}"
    return replace(measured, status=Status.FAILED, reason=reason)


def estimates(rounds: Sequence[Round]) -> Mapping[str, Estimate]:
    """The estimates of all registered metrics that the rounds carry, by name."""
    found = {name: estimate(name, rounds) for name in metrics.registry}
    return {name: value for name, value in found.items() if value is not None}


def estimate(name: str, rounds: Sequence[Round]) -> Estimate | None:
    """One metric over the rounds that count and carry it. None if no round carries it.

    If only disturbed rounds carry the metric, they count: the error of the logits, for instance,
    is measured in a single round of a cell.
    """
    metric = metrics.registry[name]()
    counted = counted_rounds(rounds)
    carrying = [done for done in counted if name in done.values]
    if metric.every_round and len(carrying) < len(counted):
        return None
    carrying = carrying or [done for done in rounds if name in done.values]
    if not carrying:
        return None
    value, low, high = metric.over(carrying)
    samples = sum(metric.samples(done) for done in carrying)
    return Estimate(value, low, high, metric.unit, metric.direction, len(carrying), samples)
