"""What every kind of hardware promises; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from harness.contract.plugin import example_of
from harness.domain.run import Host
from harness.hardware import Hardware
from harness.host.machine import this_host


@pytest.fixture
def threads() -> Iterator[None]:
    """Restores the number of torch's threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_it_describes_itself_on_any_host(entry: type[Hardware], host: Host) -> None:
    """Even if the device is absent; and it always gives the same answer."""
    hardware = example_of(entry)
    assert hardware.memory_bytes(host) >= 0
    assert hardware.devices(4) >= 1
    assert (hardware.threads_on(host) or 1) >= 1
    assert (hardware.price_per_hour(host) or 0) >= 0
    assert hardware.device(host) == hardware.device(host)


def test_an_obstacle_has_a_reason(entry: type[Hardware], host: Host) -> None:
    """Whether the device is missing or the options ask too much."""
    for reason in (example_of(entry).obstacle(host), example_of(entry).crowded(1000, host)):
        assert reason is None or reason.strip()


@pytest.mark.usefixtures("threads")
def test_a_present_device_computes(entry: type[Hardware]) -> None:
    here = this_host()
    if reason := example_of(entry).obstacle(here):
        pytest.skip(reason)
    device = example_of(entry).prepare(1)
    assert (torch.ones(2, 2, device=device) @ torch.ones(2, 2, device=device)).sum() == 8
    assert example_of(entry).memory_bytes(here) > 0


@pytest.mark.usefixtures("threads")
def test_a_present_device_is_of_its_kind_and_measures_memory(entry: type[Hardware]) -> None:
    """The peak is at least what the process holds before any work."""
    hardware = example_of(entry)
    if reason := hardware.obstacle(this_host()):
        pytest.skip(reason)
    assert hardware.prepare(1).type == hardware.kind
    memory = hardware.memory()
    memory.restart()
    assert 0 <= memory.now() <= memory.peak()
    assert hardware.free_bytes() > 0
    assert hardware.resources(threads=2).strip()
