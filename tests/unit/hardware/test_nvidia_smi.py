"""What nvidia-smi tells of a GPU, by answers as it gives them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.hardware.nvidia_smi import clocks, held_down, others


class Smi:
    """A driver that knows some fields, and keeps what it was asked.

    It has an answer for each GPU, in order, and the last one for those beyond.
    """

    def __init__(self, *answers: str, refused: str = "no such field") -> None:
        self._answers, self._refused = list(answers), refused
        self.asked: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> str | None:
        self.asked.append(arguments)
        if any(self._refused in one for one in arguments):
            return None
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def test_clocks_and_what_holds_them_down_are_facts_of_their_moment() -> None:
    smi = Smi("1980, 2619, 41, 0x0000000000000004\n")
    assert clocks(["GPU-1"], "after", smi) == {
        "host_gpu_clock_after": 1980,
        "host_gpu_memory_clock_after": 2619,
        "host_gpu_temperature_after": 41,
        "host_gpu_reasons_after": 4,
    }
    assert smi.asked[0][1:] == ["-i", "GPU-1"]


def test_of_several_gpus_the_worst_is_told() -> None:
    """The whole step waits for the slowest."""
    smi = Smi("1980, 2619, 41, 0x0000000000000004\n", "1755, 2619, 87, 0x0000000000000020\n")
    assert clocks(["GPU-1", "GPU-2"], "after", smi) == {
        "host_gpu_clock_after": 1755,
        "host_gpu_memory_clock_after": 2619,
        "host_gpu_temperature_after": 87,
        "host_gpu_reasons_after": 0x24,
    }
    assert [one[1:] for one in smi.asked] == [["-i", "GPU-1"], ["-i", "GPU-2"]]
    assert clocks(["0", "1"], "after", Smi("1980, 1, 41, 0x4\n", "[N/A], 1, 40, 0x0\n")) == {
        "host_gpu_memory_clock_after": 1,
        "host_gpu_temperature_after": 41,
        "host_gpu_reasons_after": 4,
    }


def test_an_older_driver_is_asked_by_the_older_name() -> None:
    smi = Smi("1410, 1215, 33, 0x0000000000000001\n", refused="clocks_event_reasons")
    assert clocks(["0"], "before", smi)["host_gpu_clock_before"] == 1410
    assert "clocks_throttle_reasons" in smi.asked[1][0]


def test_what_a_card_does_not_tell_is_left_out() -> None:
    smi = Smi("1410, [N/A], [Not Supported], [N/A]\n")
    assert clocks(["0"], "before", smi) == {"host_gpu_clock_before": 1410}


def test_without_a_driver_nothing_is_told() -> None:
    silent = Smi("", refused="")
    assert clocks(["0"], "before", silent) == {}
    assert others(["0"], silent) == {}


def test_a_neighbour_on_several_gpus_is_one() -> None:
    assert others(["0", "1"], Smi("71\n72\n", "72\n")) == {"host_gpu_others": 2}


def test_heat_and_power_are_told_apart() -> None:
    """By NVML's bits: 0x4 is the power cap, 0x20 heat; 0x1 is only idleness."""

    def held(before: int, after: int) -> tuple[float, float]:
        facts = {"host_gpu_reasons_before": before, "host_gpu_reasons_after": after}
        found = held_down(facts)
        return found["host_gpu_hot"], found["host_gpu_capped"]

    assert held(0x1, 0x0) == (0, 0)
    assert held(0x1, 0x4) == (0, 1)
    assert held(0x20, 0x4) == (1, 1)
    assert held_down({}) == {}


def test_processes_on_the_gpu_are_counted() -> None:
    assert others(["0"], Smi("4242\n4243\n")) == {"host_gpu_others": 2}
    assert others(["0"], Smi("\n")) == {"host_gpu_others": 0}
