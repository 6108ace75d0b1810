"""This host's processor, one thread per physical core."""

from __future__ import annotations

from harness.domain.entry import Options
from harness.hardware import register
from harness.hardware.cpu import Cpu


@register("local", "this host's processor, one thread per physical core")
class Local(Cpu):
    """The CPU without options: the default choice for a spec."""

    Options = Options  # type: ignore[assignment]  # an entry may drop its base's options

    @property
    def threads(self) -> int:
        """0: one per physical core."""
        return 0
