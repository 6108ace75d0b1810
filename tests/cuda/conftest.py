"""A real GPU. Deselected unless asked for: `pytest -m cuda`, or all of it by `make gpu`."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(scope="session")
def gpu() -> torch.device:
    """The first. Who asks for these tests has one: without, they fail."""
    if not torch.cuda.is_available():
        pytest.fail(f"torch {torch.__version__} sees no CUDA device", pytrace=False)
    device = torch.device("cuda", 0)
    torch.cuda.set_device(device)
    return device
