"""Figures from a round's samples and facts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness import metrics
from harness.domain.result import Round, Sample, Status
from harness.metrics import FactMetric

FACTS = {
    "flops": 1e9,
    "load_memory": 2e9,
    "load_time": 0.5,
    "logit_error": 0.01,
    "model_bytes": 4e8,
    "parameters": 1e8,
    "peak_allocated": 5e8,
    "peak_memory": 3e9,
    "peak_reserved": 6e8,
    "state_bytes": 7e6,
}
SAMPLES = (
    Sample("latency", 9.0, warmup=True),
    Sample("latency", 0.2),
    Sample("latency", 0.4),
    Sample("latency", 0.3),
    Sample("ttft", 0.1),
    Sample("tpot", 0.02),
)


def value(
    name: str, samples: tuple[Sample, ...] = (), facts: Mapping[str, float] = FACTS
) -> float | None:
    return metrics.registry[name]().value(Round(0, Status.OK, samples=samples, facts=facts))


@pytest.mark.parametrize("fact", [0.0, 3.0])
@pytest.mark.parametrize(
    "entry",
    [one for one in metrics.registry.entries() if issubclass(one, FactMetric)],
    ids=lambda one: one.name,
)
def test_what_the_process_knows_of_itself_is_taken_as_it_is(
    entry: type[FactMetric], fact: float
) -> None:
    """Zero, too: no loss is news, where no figure is none."""
    name = entry.fact or entry.name
    assert value(entry.name, facts={name: fact}) == fact
    assert value(entry.name, facts={f"other_{name}": fact}) is None


@pytest.mark.parametrize(("name", "seconds"), [("latency", 0.3), ("ttft", 0.1), ("tpot", 0.02)])
def test_a_time_is_the_median_of_its_samples(name: str, seconds: float) -> None:
    """With warm-up left out, or it would be 0.35 s."""
    assert seconds == value(name, SAMPLES)


def test_a_rate_is_of_the_whole_iteration_where_it_is_timed() -> None:
    assert value("tokens_per_second", SAMPLES, {"tokens": 60.0}) == pytest.approx(200)


def test_a_rate_is_of_a_single_token_where_only_that_is_timed() -> None:
    """Of each sequence of the batch: two here."""
    assert value("tokens_per_second", SAMPLES[-1:], {"tokens": 2.0}) == pytest.approx(100)


@pytest.mark.parametrize(
    ("name", "count"), [("latency", 3), ("tpot", 1), ("tokens_per_second", 3), ("parameters", 1)]
)
def test_a_figure_knows_how_many_samples_it_is_made_from(name: str, count: int) -> None:
    """Those of its own section, without warm-up; one for what is told once."""
    one = Round(0, Status.OK, samples=SAMPLES, facts=FACTS)
    assert count == metrics.registry[name]().samples(one)


# A host of 1 TFLOP/s and 10 GB/s, on which compute binds from 100 FLOP/B on.
CEILINGS = {"peak_flops": 1e12, "peak_bandwidth": 1e10}
WORK = {"flops": 3e10, "bytes_moved": 1e8, "steps": 1.0, "tokens": 60.0}
LATENCY = (Sample("latency", 0.06),)
TPOT = (Sample("tpot", 0.02),)


def test_mfu_is_the_share_of_the_peak_that_the_models_flops_take() -> None:
    """30 GFLOP in 60 ms are half of a TFLOP/s."""
    assert value("mfu", LATENCY, {**WORK, **CEILINGS}) == pytest.approx(0.5)


def test_mfu_takes_the_whole_iteration_where_tokens_are_timed_apart() -> None:
    """Its FLOPs are those of the prompt, too."""
    assert value("mfu", (*LATENCY, *TPOT), {**WORK, **CEILINGS}) == pytest.approx(0.5)


def test_decode_has_mbu_and_no_mfu_the_others_mfu_and_no_mbu() -> None:
    facts = {**WORK, **CEILINGS}
    assert value("mfu", TPOT, facts) is None
    assert value("mbu", LATENCY, facts) is None
    assert value("mbu", (*LATENCY, *TPOT), facts) is None


def test_mbu_counts_the_bytes_of_all_tokens_over_the_time_of_all() -> None:
    """Bytes are of an iteration of 4 tokens, the time of each: 100 MB in 80 ms."""
    facts = {**WORK, **CEILINGS, "steps": 4.0}
    assert value("mbu", TPOT, facts) == pytest.approx(1e8 / 0.08 / 1e10)


@pytest.mark.parametrize("name", ["mfu", "mbu", "roofline_share"])
def test_without_the_hosts_ceilings_there_is_no_utilisation(name: str) -> None:
    """Never a guess."""
    assert value(name, LATENCY, WORK) is None
    assert value(name, TPOT, {**WORK, "steps": 4.0}) is None


def test_arithmetic_intensity_needs_no_ceiling_but_the_bytes() -> None:
    assert value("arithmetic_intensity", facts=WORK) == pytest.approx(300)
    assert value("arithmetic_intensity", facts={"flops": 3e10}) is None


def test_the_roofline_allows_the_slower_of_computing_and_moving() -> None:
    """30 GFLOP take 30 ms, 100 MB take 10 ms: of 60 ms half was allowed."""
    assert value("roofline_share", LATENCY, {**WORK, **CEILINGS}) == pytest.approx(0.5)
    bound_by_bytes = {**WORK, **CEILINGS, "bytes_moved": 5.4e8}
    assert value("roofline_share", LATENCY, bound_by_bytes) == pytest.approx(0.9)


def test_the_roofline_of_decode_is_of_all_its_tokens() -> None:
    facts = {"flops": 1e9, "bytes_moved": 4e8, "steps": 4.0, **CEILINGS}
    assert value("roofline_share", TPOT, facts) == pytest.approx(0.04 / 0.08)


def test_a_percentile_lies_between_samples() -> None:
    """Of 1 to 101 ms, in any order: 90% end within 91 ms."""
    samples = tuple(Sample("latency", (101 - i) / 1e3) for i in range(101))
    assert value("time_p90", samples) == pytest.approx(0.091)


@pytest.mark.parametrize(("name", "least"), [("time_p90", 50), ("time_p99", 500)])
def test_a_percentile_needs_five_samples_beyond_it(name: str, least: int) -> None:
    assert value(name, TPOT * (least - 1)) is None
    assert value(name, TPOT * least) == pytest.approx(0.02)


def test_a_percentile_of_means_is_no_percentile() -> None:
    """Of iterations too short to be timed alone, a sample is the mean of several."""
    assert value("time_p90", LATENCY * 50, {"repeats": 1.0}) == pytest.approx(0.06)
    assert value("time_p90", LATENCY * 50, {"repeats": 2.0}) is None


def test_a_percentile_is_of_the_whole_iteration_where_it_is_timed() -> None:
    assert value("time_p90", (*LATENCY, *TPOT) * 50) == pytest.approx(0.06)


def test_energy_is_told_for_each_token() -> None:
    assert value("energy_per_token", facts={"energy": 6.0, "energy_tokens": 120.0}) == 0.05
    assert value("energy_per_token", facts={"tokens": 60.0}) is None


def test_a_million_tokens_cost_what_the_hardware_costs_meanwhile() -> None:
    """At 1000 tokens a second they take 1000 seconds, of an hour at 3.60 USD."""
    facts = {**WORK, "price_per_hour": 3.6}
    assert value("cost_per_million_tokens", LATENCY, facts) == pytest.approx(1.0)
    assert value("cost_per_million_tokens", LATENCY, WORK) is None


def test_working_memory_leaves_out_what_was_held_before() -> None:
    """The model, and torch's libraries."""
    assert value("working_memory", facts={"peak_memory": 3e9, "held_memory": 2e9}) == 1e9
    assert value("working_memory", facts={"peak_memory": 3e9}) is None
