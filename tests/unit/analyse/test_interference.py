"""What else happened on the host, in sentences."""

from __future__ import annotations

import pytest

from harness.analyse.interference import SIGNS, counted_rounds, interference, kept_apart
from harness.domain.result import Round, Status


def rounds(*facts: dict[str, float]) -> list[Round]:
    return [Round(index, Status.OK, facts=one) for index, one in enumerate(facts)]


def test_a_quiet_host_is_not_spoken_of() -> None:
    quiet = {sign.fact: sign.threshold for sign in SIGNS}
    assert interference(rounds(quiet, quiet)) == []


def test_what_was_not_looked_at_is_not_spoken_of() -> None:
    assert interference(rounds({}, {"host_load": 9.0})) == []


def test_it_tells_in_how_many_rounds_and_how_much_at_most() -> None:
    told = rounds(*({"host_others": share} for share in (0.01, 0.23, 0.02, 0.11)))
    assert interference(told) == ["other processes used up to 23% of the CPU in 2 of 4 rounds"]


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
def test_each_kind_has_its_sentence(fact: str, amount: float, sentence: str) -> None:
    assert interference(rounds({fact: 0.0}, {fact: amount})) == [sentence]


def test_the_same_in_all_rounds_is_told_once() -> None:
    told = rounds(*[{"host_gpu_hot": 1.0}] * 3)
    assert interference(told) == ["the GPU slowed down because of heat in 3 of 3 rounds"]


BUSY = {"host_others": 0.3}


@pytest.mark.parametrize(
    ("busy", "count", "said"),
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
def test_undisturbed_rounds_alone_count_where_there_are_three(
    busy: str, count: str, said: str
) -> None:
    """Fewer carry no interval: then all count, and are marked."""
    told = rounds(*(BUSY if str(index) in busy else {} for index in range(4)))
    assert [one.index for one in counted_rounds(told)] == [int(index) for index in count]
    assert kept_apart(told) == said
