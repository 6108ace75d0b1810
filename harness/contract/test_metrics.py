"""What every metric promises; a new entry is tested by being registered."""

from __future__ import annotations

from math import isfinite

from harness.domain.metric import Direction
from harness.domain.result import Round, Sample, Status
from harness.metrics import Metric


def test_a_round_without_figures_has_none(entry: type[Metric]) -> None:
    assert entry().value(Round(0, Status.OK)) is None


def test_warm_up_alone_is_no_figure(entry: type[Metric]) -> None:
    sections = ("latency", "ttft", "tpot")
    warmup = tuple(Sample(section, 1.0, warmup=True) for section in sections)
    assert entry().value(Round(0, Status.OK, samples=warmup)) is None


def test_it_has_a_unit_and_a_direction(entry: type[Metric]) -> None:
    assert entry.unit.strip()
    assert isinstance(entry.direction, Direction)


def test_a_whole_round_has_a_finite_figure_or_none(entry: type[Metric]) -> None:
    """Whatever facts there are; the same round always the same figure."""
    facts = ("tokens", "flops", "bytes_moved", "peak_flops", "peak_bandwidth", "price_per_hour")
    sections = ("latency", "ttft", "tpot")
    samples = tuple(Sample(section, 0.5) for section in sections for _ in range(600))
    one = Round(0, Status.OK, samples=samples, facts=dict.fromkeys(facts, 2.0))
    value = entry().value(one)
    assert value == entry().value(one)
    if value is not None:
        assert isfinite(value)
        assert entry().samples(one) >= 1
