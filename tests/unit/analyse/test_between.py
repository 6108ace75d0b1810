"""The ratio of two sides, its interval and p-value, and the noise between runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from harness.analyse.between import Difference, is_exact, paired, unpaired
from harness.analyse.multiple import adjusted
from harness.analyse.run_noise import ASSUMED, Noise, assumed_noise, noise_of_history
from harness.analyse.stats import summarise
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Status
from harness.domain.run import Commit, Environment, Host, Run

if TYPE_CHECKING:
    from numpy.typing import NDArray

START = datetime(2026, 1, 5, tzinfo=UTC)
ROUNDS = 5


def estimate_of(rounds: Sequence[float] | NDArray[np.float64]) -> Estimate:
    value, low, high = summarise([float(one) for one in rounds])
    return Estimate(value, low, high, "s", Direction.LOWER, len(rounds), 30)


def test_without_noise_it_is_welchs_test_on_logarithms() -> None:
    """Three rounds whose median is their mean: only the median's larger error is left."""
    ours, theirs = np.array([-0.01, 0.0, 0.01]), np.array([0.02, 0.05, 0.08])
    found = unpaired([estimate_of(np.exp(ours))], [estimate_of(np.exp(theirs))], None, None)
    factor = 1.160  # the median's standard error over the mean's, of three
    expected = stats.ttest_ind_from_stats(
        *(0.05, 0.03 * factor, 3),
        *(0.0, 0.01 * factor, 3),
        equal_var=False,
    )
    assert found is not None
    assert found.ratio == pytest.approx(math.exp(0.05))
    assert found.p == pytest.approx(expected.pvalue, rel=1e-3)
    # Student's interval of the same test: its p-value is that of the interval that ends at zero.
    reach = math.log(found.high or 1.0) - 0.05
    error = math.hypot(0.03, 0.01) * factor / math.sqrt(3)
    freedom = (0.03**2 + 0.01**2) ** 2 / ((0.03**4 + 0.01**4) / 2)
    assert reach == pytest.approx(stats.t.ppf(0.975, freedom) * error, rel=1e-3)
    assert math.log(found.low or 1.0) == pytest.approx(0.05 - reach)


def test_the_noise_between_runs_widens_the_interval() -> None:
    """Rounds that agree within 0.1 % say nothing of another day."""
    base, head = (
        [estimate_of(level * np.exp(np.array([-0.001, 0, 0.001])))] for level in (1.0, 1.02)
    )
    alone = unpaired(base, head, None, None)
    noise = Noise(0.02, 20.0)
    with_noise = unpaired(base, head, noise, noise)
    assert alone is not None
    assert with_noise is not None
    assert alone.p is not None
    assert with_noise.p is not None
    assert alone.p < 0.01
    assert with_noise.p > 0.3
    half = stats.t.ppf(0.975, 20) * 0.02 * math.sqrt(2)
    assert with_noise.high == pytest.approx(1.02 * math.exp(half))


def test_more_runs_of_a_side_make_it_more_certain() -> None:
    noise = Noise(0.02, 20.0)
    one, four = (
        unpaired([estimate_of([1.0, 1.0, 1.0])] * count, [estimate_of([1.1] * 3)], noise, noise)
        for count in (1, 4)
    )
    assert one is not None
    assert four is not None
    assert one.p is not None
    assert four.p is not None
    assert four.p < one.p


def test_both_orders_say_the_same() -> None:
    a, b = [estimate_of([1.0, 1.01, 1.03])], [estimate_of([1.2, 1.21, 1.25])]
    there, back = unpaired(a, b, None, None), unpaired(b, a, None, None)
    assert there is not None
    assert back is not None
    assert there.high is not None
    assert back.low is not None
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.high == pytest.approx(1 / back.low)
    assert there.p == pytest.approx(back.p)


def test_exact_figures_differ_or_do_not() -> None:
    """A file's size, say."""
    size, larger = [estimate_of([100.0] * 3)], [estimate_of([101.0] * 3)]
    assert is_exact([*size, *larger])
    found = unpaired(size, larger, None, None)
    assert found is not None
    assert found.ratio == found.low == found.high == pytest.approx(1.01)
    assert found.p == 0.0
    assert unpaired(size, size, None, None) == Difference(1.0, 1.0, 1.0, 1.0)


def test_without_interval_and_noise_there_is_only_a_ratio() -> None:
    found = unpaired([estimate_of([1.0])], [estimate_of([1.5])], None, None)
    assert found == Difference(1.5)


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_values_without_logarithms_have_no_ratio(value: float) -> None:
    odd = Estimate(value, None, None, "s", Direction.LOWER, 1, 1)
    assert unpaired([odd], [estimate_of([1.0])], None, None) is None


@pytest.fixture
def in_one_run(host: Host, make_cell: Callable[..., Cell]) -> Callable[..., tuple[Result, Result]]:
    """Two results of one run, whose rounds took turns on a machine that slows down steeply."""

    def made(ratio: float, noise: float) -> tuple[Result, Result]:
        run = Run(Commit("a" * 40), host, Environment({}), started=START, seed=0, id=1)
        rng = np.random.default_rng(3)
        results = []
        for side, level in enumerate((1.0, ratio)):
            rounds = tuple(
                Round(
                    index=index,
                    status=Status.OK,
                    values={"latency": level * math.exp(0.1 * index + rng.normal(0, noise))},
                    started=START + timedelta(seconds=60 * index + 30 * side),
                )
                for index in range(8)
            )
            metrics = {"latency": estimate_of([one.values["latency"] for one in rounds])}
            results.append(Result(run, make_cell(), Status.OK, metrics=metrics, rounds=rounds))
        return results[0], results[1]

    return made


def test_pairs_of_rounds_cancel_the_machines_drift(
    in_one_run: Callable[..., tuple[Result, Result]],
) -> None:
    """Rounds drift by 70 %, and yet 5 % show."""
    base, head = in_one_run(1.05, 0.005)
    found = paired(base, head, "latency")
    assert found is not None
    assert found.p is not None
    assert found.pairs == 8
    assert found.ratio == pytest.approx(1.05, rel=0.01)
    assert found.p < 0.001
    apart = unpaired([base.metrics["latency"]], [head.metrics["latency"]], None, None)
    assert apart is not None
    assert apart.p is not None
    assert apart.p > 0.2


def test_too_few_pairs_have_no_answer(in_one_run: Callable[..., tuple[Result, Result]]) -> None:
    base, head = in_one_run(1.05, 0.005)
    few = Result(base.run, base.cell, base.status, metrics=base.metrics, rounds=base.rounds[:2])
    assert paired(few, head, "latency") is None


def test_a_short_history_gives_no_noise_of_its_own() -> None:
    assert noise_of_history([1.0] * 5) is None
    assert assumed_noise([]) == Noise(ASSUMED, 4.0, assumed=True)
    others = [Noise(0.01, 9.0), Noise(0.03, 9.0), Noise(0.05, 9.0), Noise(9.0, 9.0, assumed=True)]
    assert assumed_noise(others).deviation == 0.03


def test_a_step_in_the_history_is_no_noise() -> None:
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(0, 0.01, 40))
    quiet = noise_of_history(list(values))
    values[20:] *= 1.5
    stepped = noise_of_history(list(values))
    assert quiet is not None
    assert stepped is not None
    assert stepped.deviation == pytest.approx(quiet.deviation, rel=0.2)


def unchanged(rng: np.random.Generator, runs: int, between: float, within: float) -> list[Estimate]:
    """The runs of a series in which nothing changes but the day."""
    days = rng.normal(0, between, runs)
    return [estimate_of(np.exp(day + rng.normal(0, within, ROUNDS))) for day in days]


def compared_runs(series: Sequence[Estimate], *, with_noise: bool = True) -> Difference:
    """The last two runs of a series, compared as `harness compare` does."""
    noise = noise_of_history([one.value for one in series]) or assumed_noise([])
    used = noise if with_noise else None
    found = unpaired([series[-2]], [series[-1]], used, used)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def nothing_changed() -> list[list[Estimate]]:
    """A thousand series; runs differ by 2 %, rounds of a run by 0.5 %."""
    rng = np.random.default_rng(11)
    return [unchanged(rng, int(rng.integers(2, 25)), 0.02, 0.005) for _ in range(1000)]


def test_runs_of_unchanged_code_are_rarely_called_different(
    nothing_changed: Sequence[Sequence[Estimate]],
) -> None:
    """In at most 5 % of a thousand series, of 2 to 24 runs. By their rounds most are."""
    ps = [compared_runs(one).p or 0.0 for one in nothing_changed]
    assert sum(p <= 0.05 for p in ps) <= 50
    by_rounds = [compared_runs(one, with_noise=False).p or 0.0 for one in nothing_changed]
    assert sum(p <= 0.05 for p in by_rounds) >= 500
    # Of fifty comparisons of twenty cells each, at most one has any false verdict.
    tables = [adjusted(ps[start : start + 20]) for start in range(0, len(ps), 20)]
    assert sum(min(one) <= 0.05 for one in tables) <= 1


def test_intervals_contain_the_truth(nothing_changed: Sequence[Sequence[Estimate]]) -> None:
    found = [compared_runs(one) for one in nothing_changed]
    held = [
        one.low is not None and one.high is not None and one.low <= 1 <= one.high for one in found
    ]
    assert sum(held) >= 950


def test_a_change_beyond_the_noise_is_found() -> None:
    """10 % among runs that differ by 1 %, with a history of twenty."""
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(100):
        series = unchanged(rng, 20, 0.01, 0.005)
        last = series[-1]
        assert last.low is not None
        assert last.high is not None
        slower = replace(last, value=1.1 * last.value, low=1.1 * last.low, high=1.1 * last.high)
        found += (compared_runs([*series[:-1], slower]).p or 0.0) <= 0.01
    assert found >= 95


def test_p_values_are_adjusted_as_scipy_does() -> None:
    ps = list(np.random.default_rng(5).uniform(0, 1, 37) ** 3)
    assert adjusted(ps) == pytest.approx(stats.false_discovery_control(ps))
    assert adjusted([]) == []
    assert adjusted([0.2]) == [0.2]
