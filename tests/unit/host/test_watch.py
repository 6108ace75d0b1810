"""What the host did around a round."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harness.domain.cell import Cell, Choice
from harness.hardware import nvidia_smi
from harness.host.watch import HostWatch, Reading, between
from harness.parallelism import with_launcher

START = Reading(busy=50.0, steal=1.0, whole=100.0, ours=30.0, swapped=4096, throttled=2)


def test_others_used_what_was_busy_and_not_ours() -> None:
    """Of ten core-seconds seven were busy, four of them ours."""
    end = replace(START, busy=57.0, whole=110.0, ours=34.0)
    facts = between(START, end)
    assert facts["host_others"] == pytest.approx(0.3)
    assert facts["host_steal"] == 0
    assert facts["host_swapped"] == 0
    assert facts["host_throttled"] == 0


def test_steal_swapping_and_heat_are_differences() -> None:
    """Since boot says nothing of the round."""
    end = replace(START, steal=1.5, whole=110.0, swapped=12288, throttled=5)
    facts = between(START, end)
    assert facts["host_steal"] == pytest.approx(0.05)
    assert facts["host_swapped"] == 8192
    assert facts["host_throttled"] == 3


def test_ticks_that_round_ours_above_busy_are_not_a_negative_share() -> None:
    end = replace(START, busy=55.0, whole=110.0, ours=35.02)
    assert between(START, end)["host_others"] == 0


def test_a_round_of_a_few_ticks_has_no_share() -> None:
    """The kernel counts in hundredths of a second: a share of less than a hundred is luck."""
    facts = between(START, replace(START, busy=50.1, whole=100.2))
    assert "host_others" not in facts
    assert "host_steal" not in facts
    assert facts["host_swapped"] == 0


def test_without_counters_of_heat_nothing_is_said_of_it() -> None:
    untold = replace(START, throttled=None)
    assert "host_throttled" not in between(untold, untold)


def busy(seconds: float) -> list[str]:
    """A command that computes for so long."""
    loop = f"import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: 0"
    return [sys.executable, "-c", loop]


def test_work_of_our_own_children_is_ours() -> None:
    """While it runs and when it has ended, that of its children included."""
    if not HostWatch().read():
        pytest.skip("this system has no /proc")
    first = HostWatch().read()
    subprocess.run(busy(0.3), check=True)
    ended = HostWatch().read()
    assert first is not None
    assert ended is not None
    assert ended.ours - first.ours >= 0.25
    with subprocess.Popen(busy(0.3)) as child:
        while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.01)
        unreaped = HostWatch().read()
    assert unreaped is not None
    assert unreaped.ours - ended.ours >= 0.25


def test_a_cell_on_the_processor_asks_no_gpu(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would cost more than a short round."""
    asked: list[Sequence[str]] = []

    def others(gpus: Sequence[str]) -> dict[str, float]:
        asked.append(gpus)
        return {"host_gpu_others": 1.0}

    monkeypatch.setattr(nvidia_smi, "others", others)
    with HostWatch().around(make_cell()) as seen:
        pass
    assert asked == []
    assert "host_load" in seen.facts
    second = Choice("cuda", (("index", 1),))
    with HostWatch().around(make_cell(hardware=second)) as seen:
        pass
    split = (Choice("data", (("degree", 2),)),)
    with HostWatch().around(make_cell(hardware=second, parallelism=split)):
        pass
    assert asked == [["1"], ["1", "2"]]
    assert seen.facts["host_gpu_others"] == 1


@pytest.mark.parametrize(
    ("master", "told"),
    [("", True), ("standalone", True), ("spark://here:7077", False), ("yarn", False)],
)
def test_ranks_that_are_not_ours_are_not_taken_for_others(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch, master: str, told: bool
) -> None:
    """Workers of a master that was there before are no descendants of this process."""
    ends = iter([START, replace(START, busy=57.0, whole=110.0, ours=34.0)])
    monkeypatch.setattr(HostWatch, "read", lambda _: next(ends))
    spark = with_launcher(Choice("spark", (("master", master),)))
    with HostWatch().around(make_cell(parallelism=(spark,))) as seen:
        pass
    assert ("host_others" in seen.facts) == told
    assert "host_steal" in seen.facts


def test_nothing_is_told_where_the_round_was_cut(make_cell: Callable[..., Cell]) -> None:
    """Ctrl-C goes on its way."""
    with pytest.raises(KeyboardInterrupt), HostWatch().around(make_cell()):
        raise KeyboardInterrupt
