"""What processes that measure are started with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.process import child_environment

if TYPE_CHECKING:
    import pytest


def test_a_child_numbers_gpus_as_the_driver_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless its user has said otherwise; NumPy's threads are none of his business."""
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    monkeypatch.setenv("MINE", "kept")
    told = child_environment()
    assert told["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert told["OPENBLAS_NUM_THREADS"] == "1"
    assert told["MINE"] == "kept"
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    assert child_environment()["CUDA_DEVICE_ORDER"] == "FASTEST_FIRST"
