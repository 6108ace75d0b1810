"""How a figure grows with the length of the prompt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.analyse.interference import counted_rounds
from harness.analyse.stats import summarise
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Status
from harness.domain.run import Host

FEWEST_LENGTHS = 3  # a line fits any two points
# Memory also has a constant part that does not depend on the length: buffers of torch's libraries,
# and freed memory that the allocator keeps. That is one more unknown to fit.
_WITH_CONSTANT = "working_memory"
_STEPS = 200  # constants tried in the search for that part
# The time of an iteration, or of a token if the scenario times tokens; and memory.
GROWING = ("latency", "tpot", "working_memory")


@dataclass(frozen=True)
class Growth:
    """The exponent e of a metric that grows like length^e, over cells that differ only in length.

    Memory has a constant part as well: it grows like a + b length^e.
    """

    cell: Cell  # the cell with the longest prompt
    host: Host
    metric: str
    exponent: Estimate
    points: tuple[tuple[int, Estimate], ...]  # by length in tokens, ascending


def growths(results: Iterable[Result], metric: str) -> list[Growth]:
    """The growth of each series with at least FEWEST_LENGTHS prompts, in the order given.

    Memory needs one more prompt, because its constant part is one more unknown. A series only
    holds results of the same commit, software and kind of host.
    """
    series: dict[tuple[object, ...], list[Result]] = {}
    for one in results:
        found = one.metrics.get(metric)
        if one.status is Status.OK and found and found.value > 0 and "prompt" in one.cell.load:
            series.setdefault(_alike(one), []).append(one)
    by_length = (sorted(members, key=_length) for members in series.values())
    fewest = FEWEST_LENGTHS + (metric == _WITH_CONSTANT)
    return [_growth(members, metric) for members in by_length if len(members) >= fewest]


def _alike(result: Result) -> tuple[object, ...]:
    """What the results of one series share: everything but the prompt."""
    run, cell = result.run, result.cell
    rest = tuple((key, amount) for key, amount in cell.workload if key != "prompt")
    commit = (run.commit.sha, run.commit.dirty, run.environment.digest, run.host.fingerprint)
    return (cell.replace(workload=rest), *commit)


def _length(result: Result) -> int:
    return result.cell.load["prompt"]


def _growth(members: Sequence[Result], metric: str) -> Growth:
    lengths = [_length(one) for one in members]
    estimates = [one.metrics[metric] for one in members]
    slopes = _slopes(members, metric)
    if not slopes:
        slopes = [_fitted(metric)(lengths, [one.value for one in estimates])]
    samples = sum(one.samples for one in estimates)
    exponent = Estimate(*summarise(slopes), "1", Direction.LOWER, len(slopes), samples)
    last = members[-1]
    points = tuple(zip(lengths, estimates, strict=True))
    return Growth(last.cell, last.run.host, metric, exponent, points)


def _slopes(members: Sequence[Result], metric: str) -> list[float]:
    """One exponent per counted round that every length has; the interval comes from them."""
    rounds = [
        [
            one.values[metric]
            for one in counted_rounds(member.rounds)
            if one.values.get(metric, 0) > 0
        ]
        for member in members
    ]
    lengths = [_length(one) for one in members]
    return [_fitted(metric)(lengths, values) for values in zip(*rounds, strict=False)]


def _fitted(metric: str) -> Callable[[Sequence[int], Sequence[float]], float]:
    return slope_beyond if metric == _WITH_CONSTANT else slope


def slope_beyond(lengths: Sequence[int], values: Sequence[float]) -> float:
    """The exponent e of a + b x^e, where a is not negative.

    The constant is the one, below the least value, with the least sum of squares on logarithms,
    which `slope` minimises too.
    """
    least = min(values)
    constants = [least * step / _STEPS for step in range(_STEPS - 1)]

    def misfit(constant: float) -> float:
        x = [math.log(one) for one in lengths]
        y = [math.log(one - constant) for one in values]
        e = slope(lengths, [one - constant for one in values])
        left = fmean(y) - e * fmean(x)
        return sum((b - left - e * a) ** 2 for a, b in zip(x, y, strict=True))

    best = min(constants, key=misfit)
    return slope(lengths, [one - best for one in values])


def slope(lengths: Sequence[int], values: Sequence[float]) -> float:
    """The exponent of a power law: the slope of the least-squares line through the logarithms."""
    x, y = [math.log(one) for one in lengths], [math.log(one) for one in values]
    middle = fmean(x)
    spread = sum((one - middle) ** 2 for one in x)
    return sum((a - middle) * b for a, b in zip(x, y, strict=True)) / spread
