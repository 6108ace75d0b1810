"""A GPU, as far as it can be told without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from harness.domain.cell import Cell
from harness.domain.run import Gpu, Host
from harness.errors import Unsupported
from harness.hardware.cuda import Cuda

GPU = Gpu("Example G1", 8 * 2**30, "550.1")


def test_a_host_without_a_gpu_cannot_use_it(host: Host, make_cell: Callable[..., Cell]) -> None:
    assert Cuda.unavailable(host) == "this host has no CUDA device"
    assert Cuda().unsupported(make_cell(), host) == "this host has no CUDA device"


def test_a_gpu_beyond_the_last_is_refused(host: Host, make_cell: Callable[..., Cell]) -> None:
    two = replace(host, gpus=(GPU, GPU))
    assert Cuda(Cuda.Options(index=1)).unsupported(make_cell(), two) is None
    told = Cuda(Cuda.Options(index=2)).unsupported(make_cell(), two)
    assert told == "asks for GPU 2; this host has 2"


def test_the_model_must_fit_in_the_gpus_memory(host: Host) -> None:
    """Not in the host's; where there is no such GPU, there is none."""
    assert Cuda().memory_bytes(replace(host, gpus=(GPU,))) == GPU.memory_bytes
    assert Cuda().memory_bytes(host) == 0


def test_its_price_is_the_published_median(host: Host) -> None:
    """Of a range alone, or of an unknown device, there is none."""

    def price(name: str) -> float | None:
        return Cuda().price_per_hour(replace(host, gpus=(Gpu(name, 2**30),)))

    assert price("NVIDIA H100 80GB HBM3") == 2.95
    assert price("NVIDIA H200") is None
    assert price("Example G1") is None
    assert Cuda().price_per_hour(host) is None


def test_each_process_takes_the_next_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the one that is named."""
    current: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    entry = Cuda(Cuda.Options(index=1))
    assert [entry.prepare(2, rank) for rank in range(2)] == current
    assert [str(one) for one in current] == ["cuda:1", "cuda:2"]
    with pytest.raises(Unsupported, match="asks for GPU 3; this process sees 3"):
        entry.prepare(3, 2)
    assert entry.devices(2) == 2


def test_a_gpu_that_torch_cannot_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver shows it, but this torch was built without CUDA."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unsupported, match=r"torch .* cannot use it"):
        Cuda().prepare(1)
