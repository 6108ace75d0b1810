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
    """Every fact there could be, each of the same value."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __getitem__(self, name: str) -> float:
        return self.value

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a metric names the facts that it is made from")

    def __len__(self) -> int:
        raise AssertionError("a metric names the facts that it is made from")


class Whole(Round):
    """A round that timed every section there could be, 600 times; `untimed` was none of its."""

    untimed = ""

    def timed(self, section: str) -> list[float]:
        """Half a second, each time."""
        return [] if section == self.untimed else [0.5] * 600


class Decoded(Whole):
    """The same, of tokens alone."""

    untimed = "latency"


def whole(kind: type[Whole] = Whole, fact: float = 1.0) -> Round:
    """A round that lacks nothing."""
    sections = ("ttft", "tpot") if kind is Decoded else ("latency", "ttft", "tpot")
    samples = tuple(Sample(section, 0.5) for section in sections for _ in range(600))
    return kind(0, Status.OK, samples=samples, scores=SCORES, facts=Every(fact))


def test_a_round_without_figures_has_none(entry: type[Metric]) -> None:
    assert entry().value(Round(0, Status.OK)) is None


def test_a_round_that_lacks_nothing_has_a_finite_figure(entry: type[Metric]) -> None:
    """Of a whole iteration, or of tokens alone; the same round always the same figure."""
    rounds = [whole(), whole(Decoded)]
    found = [(one, value) for one in rounds if (value := entry().value(one)) is not None]
    assert found
    for one, value in found:
        assert isfinite(value)
        assert value == entry().value(one)
        assert entry().samples(one) >= 1


def test_warm_up_changes_no_figure(entry: type[Metric]) -> None:
    """Whatever else the round has, and how long it took."""
    sections = ("latency", "ttft", "tpot")
    samples = tuple(Sample(section, 0.5) for section in sections for _ in range(600))
    settled = Round(0, Status.OK, samples=samples, scores=SCORES, facts=Every(1.0))
    warmup = tuple(Sample(section, 99.0, warmup=True) for section in sections)
    for measured in (settled, replace(settled, samples=())):
        begun = replace(measured, samples=warmup + measured.samples)
        assert entry().value(begun) == entry().value(measured)
        assert entry().samples(begun) == entry().samples(measured)


def test_it_has_a_unit_and_a_direction(entry: type[Metric]) -> None:
    assert entry.unit.strip()
    assert isinstance(entry.direction, Direction)
