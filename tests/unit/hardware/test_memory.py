"""The memory that a process holds on a device."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from harness.hardware.cuda import Cuda
from harness.hardware.local import Local

if TYPE_CHECKING:
    import pytest


def test_on_a_gpu_tensors_and_the_allocators_holdings_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By torch's own counters; on a processor there is no such difference."""
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 100)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 128)
    assert Cuda().memory().facts() == {"peak_allocated": 100, "peak_reserved": 128}
    assert Local().memory().facts() == {}


def test_on_a_gpu_what_was_freed_before_is_given_back_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rank builds the whole model before it keeps its part."""
    done: list[str] = []
    for name in ("empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, partial(done.append, name))
    Cuda().memory().restart()
    assert done == ["empty_cache", "reset_peak_memory_stats"]


def test_resident_memory_counts_what_was_touched() -> None:
    """The peak stays after it was freed, until the probe is restarted."""
    memory, size = Local().memory(), 64 * 2**20
    memory.restart()
    before = memory.now()
    block = torch.ones(size, dtype=torch.uint8)
    assert memory.now() >= before + size * 0.9
    del block
    assert memory.peak() >= before + size * 0.9
