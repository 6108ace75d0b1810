"""What every metric promises; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isfinite

from harness.domain.metric import Direction
from harness.domain.result import Round, Sample, Score, Status
from harness.metrics import Metric

SCORES = tuple(
    Score(
        tokens=50,
        bytes=80,
        bits=90.0 + i,
        dense_bits=85.0,
        divergence=2.0,
        agreed=40,
        floor_bits=70,
    )
    for i in range(4)
)


class Every(Mapping[str, float]):
    """A mapping that has every possible fact, all with the same value."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __getitem__(self, name: str) -> float:
        return self.value

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a metric must look up facts by name")

    def __len__(self) -> int:
        raise AssertionError("a metric must look up facts by name")


class Whole(Round):
    """A round that timed every possible section but `untimed`, 600 times each."""

    untimed = ""

    def timed(self, section: str) -> list[float]:
        """Half a second per sample."""
        return [] if section == self.untimed else [0.5] * 600


class Decoded(Whole):
    """A round that timed decode steps, not whole iterations."""

    untimed = "latency"


def whole(kind: type[Whole] = Whole, fact: float = 1.0) -> Round:
    """A round with all samples, scores and facts."""
    sections = ("ttft", "tpot") if kind is Decoded else ("latency", "ttft", "tpot")
    samples = tuple(Sample(section, 0.5) for section in sections for _ in range(600))
    return kind(0, Status.OK, samples=samples, scores=SCORES, facts=Every(fact))


def test_an_empty_round_has_no_figure(entry: type[Metric]) -> None:
    assert entry().value(Round(0, Status.OK)) is None


def test_a_complete_round_has_a_finite_figure(entry: type[Metric]) -> None:
    """From whole iterations or from decode steps; the same round always gives the same figure."""
    rounds = [whole(), whole(Decoded)]
    found = [(one, value) for one in rounds if (value := entry().value(one)) is not None]
    assert found
    for one, value in found:
        assert isfinite(value)
        assert value == entry().value(one)
        assert entry().samples(one) >= 1


def test_warm_up_changes_no_figure(entry: type[Metric]) -> None:
    """Nor does a long warm-up, with timed samples or without."""
    sections = ("latency", "ttft", "tpot")
    samples = tuple(Sample(section, 0.5) for section in sections for _ in range(600))
    settled = Round(0, Status.OK, samples=samples, scores=SCORES, facts=Every(1.0))
    warmup = tuple(Sample(section, 99.0, warmup=True) for section in sections)
    for measured in (settled, replace(settled, samples=())):
        with_warmup = replace(measured, samples=warmup + measured.samples)
        assert entry().value(with_warmup) == entry().value(measured)
        assert entry().samples(with_warmup) == entry().samples(measured)


def test_it_has_a_unit_and_a_direction(entry: type[Metric]) -> None:
    assert entry.unit.strip()
    assert isinstance(entry.direction, Direction)
