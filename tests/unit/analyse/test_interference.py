"""Interference on the host, in sentences."""

from __future__ import annotations

import pytest

from harness.analyse.interference import SIGNS, counted_rounds, interference, kept_apart
from harness.domain.result import Round, Status


def rounds(*facts: dict[str, float]) -> list[Round]:
    return [Round(index, Status.OK, facts=one) for index, one in enumerate(facts)]


def test_a_quiet_host_has_no_interference() -> None:
    quiet = {sign.fact: sign.threshold for sign in SIGNS}
    assert interference(rounds(quiet, quiet)) == []


def test_facts_that_were_not_measured_are_no_interference() -> None:
    assert interference(rounds({}, {"host_load": 9.0})) == []


def test_a_sentence_has_the_number_of_rounds_and_the_maximum() -> None:
    measured = rounds(*({"host_others": share} for share in (0.01, 0.23, 0.02, 0.11)))
    assert interference(measured) == ["other processes used up to 23% of the CPU in 2 of 4 rounds"]


@pytest.mark.parametrize(
    ("fact", "amount", "sentence"),
    [
        ("host_others", 0.0525, "other processes used 5.2% of the CPU in 1 of 2 rounds"),
        ("host_steal", 0.012, "the hypervisor took 1.2% of the CPU's time in 1 of 2 rounds"),
        ("host_swapped", 3 * 2**20, "3 MiB moved to or from swap in 1 of 2 rounds"),
        ("host_throttled", 1, "the processor slowed down because of heat once in 1 of 2 rounds"),
        ("host_throttled", 7, "the processor slowed down because of heat 7 times in 1 of 2 rounds"),
        ("host_gpu_others", 1, "1 other process held the GPU in 1 of 2 rounds"),
        ("host_gpu_others", 2, "2 other processes held the GPU in 1 of 2 rounds"),
        ("host_gpu_hot", 1, "the GPU slowed down because of heat in 1 of 2 rounds"),
        ("host_gpu_capped", 1, "the GPU slowed down because of its power limit in 1 of 2 rounds"),
    ],
)
def test_each_sign_has_its_sentence(fact: str, amount: float, sentence: str) -> None:
    assert interference(rounds({fact: 0.0}, {fact: amount})) == [sentence]


def test_the_same_interference_in_all_rounds_is_one_sentence() -> None:
    measured = rounds(*[{"host_gpu_hot": 1.0}] * 3)
    assert interference(measured) == ["the GPU slowed down because of heat in 3 of 3 rounds"]


BUSY = {"host_others": 0.3}


@pytest.mark.parametrize(
    ("busy", "count", "sentence"),
    [
        ("", "0123", ""),
        ("0", "123", "1 of 4 rounds was disturbed and does not count"),
        (
            "01",
            "0123",
            "2 of 4 rounds were disturbed; all count, because fewer than 3 were undisturbed",
        ),
        (
            "0123",
            "0123",
            "4 of 4 rounds were disturbed; all count, because fewer than 3 were undisturbed",
        ),
    ],
)
def test_only_undisturbed_rounds_count_if_there_are_three(
    busy: str, count: str, sentence: str
) -> None:
    """Fewer than three have no interval: then all rounds count, and are marked."""
    measured = rounds(*(BUSY if str(index) in busy else {} for index in range(4)))
    assert [one.index for one in counted_rounds(measured)] == [int(index) for index in count]
    assert kept_apart(measured) == sentence
