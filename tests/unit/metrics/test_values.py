"""Figures from a round's samples and facts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness import metrics
from harness.domain.result import Round, Sample, Status

FACTS = {
    "flops": 1e9,
    "load_memory": 2e9,
    "load_time": 0.5,
    "logit_error": 0.01,
    "model_bytes": 4e8,
    "parameters": 1e8,
    "peak_memory": 3e9,
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


@pytest.mark.parametrize(("name", "fact"), FACTS.items())
def test_what_the_process_knows_of_itself_is_taken_as_it_is(name: str, fact: float) -> None:
    assert fact == value(name)


@pytest.mark.parametrize(("name", "seconds"), [("latency", 0.3), ("ttft", 0.1), ("tpot", 0.02)])
def test_a_time_is_the_median_of_its_samples(name: str, seconds: float) -> None:
    """With warm-up left out, or it would be 0.35 s."""
    assert seconds == value(name, SAMPLES)


def test_a_rate_is_of_the_whole_iteration_where_it_is_timed() -> None:
    assert value("tokens_per_second", SAMPLES, {"tokens": 60.0}) == pytest.approx(200)


def test_a_rate_is_of_a_single_token_where_only_that_is_timed() -> None:
    """Of each sequence of the batch: two here."""
    assert value("tokens_per_second", SAMPLES[-1:], {"tokens": 2.0}) == pytest.approx(100)


def test_a_zero_error_is_a_figure() -> None:
    """No loss is news; no figure is none."""
    assert value("logit_error", facts={"logit_error": 0.0}) == 0.0


@pytest.mark.parametrize(
    ("name", "count"), [("latency", 3), ("tpot", 1), ("tokens_per_second", 3), ("parameters", 1)]
)
def test_a_figure_knows_how_many_samples_it_is_made_from(name: str, count: int) -> None:
    """Those of its own section, without warm-up; one for what is told once."""
    one = Round(0, Status.OK, samples=SAMPLES, facts=FACTS)
    assert count == metrics.registry[name]().samples(one)
