"""How large a buffer must be, and that copies copy."""

from __future__ import annotations

import pytest
import torch

from harness.ceilings.memory import (
    WorkingSet,
    copy_trials,
    curve_trials,
    read_trials,
    sized,
    working_set,
)
from harness.errors import Unsupported
from harness.hardware.local import Local

GIB = 2**30
SMALL = WorkingSet(2**20, "1 MiB")
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("cache", "free", "size"),
    [
        (32 * 2**20, 64 * GIB, GIB),  # a GiB at least
        (512 * 2**20, 64 * GIB, 2 * GIB),  # four times the cache
        (512 * 2**20, 8 * GIB, GIB),  # as far as memory goes
        (None, 64 * GIB, GIB),
    ],
)
def test_a_buffer_is_far_beyond_the_cache(cache: int | None, free: int, size: int) -> None:
    assert sized(cache, free).bytes == size


def test_it_is_told_how_far() -> None:
    assert sized(512 * 2**20, 8 * GIB).label == "1.00 GiB, 2.0 times the last-level cache"
    assert "does not report the cache" in sized(None, 8 * GIB).label


def test_a_buffer_is_sized_by_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its free memory and its cache, if the system reports one."""

    def unknown(_: Local) -> int:
        raise Unsupported("no size")

    monkeypatch.setattr(Local, "free_bytes", lambda _: 8 * GIB)
    monkeypatch.setattr(Local, "cache_bytes", lambda _: 512 * 2**20)
    assert working_set(Local()) == sized(512 * 2**20, 8 * GIB)
    monkeypatch.setattr(Local, "cache_bytes", unknown)
    assert working_set(Local()) == sized(None, 8 * GIB)


def test_every_way_to_read_can_be_called() -> None:
    ways = list(read_trials(SMALL, CPU))
    assert len(ways) >= 4
    for one in ways:
        assert one.work == SMALL.bytes
        one.prepare()()


def test_a_size_of_the_curve_is_read_whole_and_alone() -> None:
    """From a buffer that may be larger."""
    ways = list(curve_trials(2**20, 2**22, CPU))
    assert {(one.size, one.work) for one in ways} == {("1MiB", 2.0**20)}
    total = next(one for one in ways if one.kernel == "torch.sum of fp32").prepare()()
    assert isinstance(total, torch.Tensor)
    assert 0.45 < float(total) / 2**18 < 0.55  # the mean of so many numbers from 0 to 1


def test_every_way_to_copy_counts_what_is_read_and_what_is_written() -> None:
    ways = list(copy_trials(SMALL, CPU))
    assert len(ways) == 2
    for one in ways:
        assert one.work == 2 * SMALL.bytes
        one.prepare()()
