"""What every metric promises; a new entry is tested by being registered."""

from __future__ import annotations

import pytest

from harness import metrics
from harness.domain.metric import Direction
from harness.domain.result import Round, Sample, Status
from harness.metrics import Metric

pytestmark = pytest.mark.parametrize("entry", metrics.registry.entries(), ids=lambda one: one.name)


def test_a_round_without_figures_has_none(entry: type[Metric]) -> None:
    assert entry().value(Round(0, Status.OK)) is None


def test_warm_up_alone_is_no_figure(entry: type[Metric]) -> None:
    sections = ("latency", "ttft", "tpot")
    warmup = tuple(Sample(section, 1.0, warmup=True) for section in sections)
    assert entry().value(Round(0, Status.OK, samples=warmup)) is None


def test_it_has_a_unit_and_a_direction(entry: type[Metric]) -> None:
    assert entry.unit.strip()
    assert isinstance(entry.direction, Direction)
