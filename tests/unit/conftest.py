"""What the rooms' tests share; entries, cells and hosts come from harness/contract/plugin.py."""

from __future__ import annotations

import sys

import pytest
from hypothesis import settings

# How long an example takes tells of the machine, and of what it does beside.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Models here are so small that threads would do nothing but wait for each other."""
    if "torch" in sys.modules:  # collected tests have imported it by now, if any needs it
        import torch

        torch.set_num_threads(1)
