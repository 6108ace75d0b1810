"""The processor: its threads, its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from harness.domain.cell import Cell
from harness.domain.run import Host
from harness.hardware.cpu import Cpu
from harness.hardware.local import Local


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Leaves torch's threads as they were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("threads", "ranks", "each"), [(1, 1, 1), (4, 2, 2), (2, 3, 1)])
def test_ranks_share_the_threads(threads: int, ranks: int, each: int) -> None:
    """Each has at least one."""
    device = Cpu(Cpu.Options(threads=threads)).prepare(ranks)
    assert (device.type, torch.get_num_threads()) == ("cpu", each)


def test_more_threads_than_the_host_has_are_refused(
    make_cell: Callable[..., Cell], host: Host
) -> None:
    assert Cpu(Cpu.Options(threads=4)).unsupported(make_cell(), host) is None
    told = Cpu(Cpu.Options(threads=5)).unsupported(make_cell(), host)
    assert told == "asks for 5 threads; this host has 4"


def test_local_takes_no_options() -> None:
    """A spec that does not care says `local` and nothing more."""
    assert Local.Options.model_fields == {}
    assert Local().threads == 0


def test_the_model_must_fit_in_the_hosts_memory(host: Host) -> None:
    assert Local().memory_bytes(host) == host.memory_bytes
