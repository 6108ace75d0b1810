"""This host's processor as it comes: one thread a physical core."""

from __future__ import annotations

from harness.domain.entry import Options
from harness.hardware import register
from harness.hardware.cpu import Cpu


@register("local", "this host's processor, one thread a physical core")
class Local(Cpu):
    """The CPU without options: what a spec means that does not care."""

    Options = Options  # type: ignore[assignment]  # an entry may drop its base's options

    @property
    def threads(self) -> int:
        """One a physical core."""
        return 0
