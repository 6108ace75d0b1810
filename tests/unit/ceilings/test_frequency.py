"""The clock, counted by code made here."""

from __future__ import annotations

import platform

import pytest

from harness.ceilings import frequency
from harness.errors import Unsupported


def test_interruptions_and_idle_moments_do_not_count() -> None:
    """Up to three quarters of the bursts may be cut short, and some may be too fast."""
    assert frequency.steady([0.5] * 20 + [2.6] * 17 + [3.0] * 3) == 2.6


def test_a_machine_without_such_code_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(Unsupported, match="aarch64"):
        frequency.frequency_under_load(lambda: None)


@pytest.mark.skipif(
    (platform.machine(), platform.system()) != ("x86_64", "Linux"), reason="made for x86-64 Linux"
)
def test_the_code_runs_and_comes_back() -> None:
    """A wrong byte would end the process."""
    done = []
    assert frequency.frequency_under_load(lambda: done.append(1)) > 0
    assert done
