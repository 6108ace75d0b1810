"""Figures that are functions of one time agree in every row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import scenarios
from harness.dispatch.summary import estimates, valued
from harness.domain.cell import Choice
from harness.domain.metric import Estimate
from harness.domain.result import Round, Sample, Status

LOAD = {"batch": 4, "prompt": 32, "generate": 8}
# What each scenario times of an iteration, the section that its rate is made from first.
SECTIONS = {
    "prefill": ("latency",),
    "train": ("latency",),
    "generate": ("latency", "ttft", "tpot"),
    "decode": ("tpot",),
}
# Seconds of the samples of each round.
seconds = st.lists(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=6), min_size=1, max_size=20)


def rounds_of(scenario: str, told: list[list[float]]) -> list[Round]:
    """Rounds of these samples, with all that figures of time are made from."""
    entry = scenarios.registry.of(Choice(scenario))
    facts = {
        "tokens": float(LOAD["batch"] * entry.tokens(LOAD)),
        "steps": float(entry.steps(LOAD)),
        "flops": 3e9,
        "bytes_moved": 2e8,
        "peak_flops": 1e11,
        "peak_bandwidth": 1e10,
        "price_per_hour": 2.0,
    }
    return [
        valued(
            Round(
                index,
                Status.OK,
                samples=tuple(
                    Sample(section, one * (number + 1))
                    for one in times
                    for number, section in enumerate(SECTIONS[scenario])
                ),
                facts=facts,
            )
        )
        for index, times in enumerate(told)
    ]


def same(one: float, other: float) -> bool:
    return one == pytest.approx(other, rel=1e-9)


def turned(one: Estimate) -> tuple[float | None, float | None]:
    """Bounds of the reciprocal."""
    return (1 / one.high if one.high else None, 1 / one.low if one.low else None)


@pytest.mark.parametrize("scenario", list(scenarios.registry))
@given(told=seconds)
def test_tokens_a_second_times_the_time_are_the_tokens(
    scenario: str, told: list[list[float]]
) -> None:
    """13.5 ms a token are 74 tokens/s, whatever the number of rounds, and so are the bounds."""
    rounds = rounds_of(scenario, told)
    found, tokens = estimates(rounds), rounds[0].facts["tokens"]
    time, rate = found[SECTIONS[scenario][0]], found["tokens_per_second"]
    assert same(rate.value * time.value, tokens)
    for ours, theirs in zip((rate.low, rate.high), turned(time), strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or theirs is None or same(ours, tokens * theirs)


@pytest.mark.parametrize("scenario", list(scenarios.registry))
@given(told=seconds)
def test_utilisation_and_cost_are_those_of_the_time_shown(
    scenario: str, told: list[list[float]]
) -> None:
    """MFU, MBU, the share of the roofline and the cost follow from the same middle."""
    rounds = rounds_of(scenario, told)
    found, facts = estimates(rounds), rounds[0].facts
    iteration = found[SECTIONS[scenario][0]].value * facts["steps"]
    least = max(facts["flops"] / facts["peak_flops"], facts["bytes_moved"] / 1e10)
    rate = found["tokens_per_second"].value
    assert same(found["cost_per_million_tokens"].value * rate, 2.0 / 3600 * 1e6)
    assert same(found["roofline_share"].value * iteration, least)
    used, share = ("mbu", 0.02) if scenario == "decode" else ("mfu", 0.03)
    assert same(found[used].value * iteration, share)
