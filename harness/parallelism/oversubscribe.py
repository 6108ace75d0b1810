"""oversubscribe: more processes than cores, to test that a split works, not how fast it is.

Processes that share a core wait for each other, so such results are marked and never ranked with
others.
"""

from __future__ import annotations

from pydantic import Field

from harness import hardware
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.parallelism import Parallelism, register


@register("oversubscribe", "run more processes than there are cores")
class Oversubscribe(Parallelism):
    """A permission in the cell; it changes nothing in the model."""

    class Options(Options):
        """Whether the cell has the permission."""

        wanted: bool = Field(False, description="true to run more processes than there are cores")

    short = "wanted"
    decoders = False

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Unsupported on devices that processes do not share, such as GPUs."""
        if hardware.registry.of(cell.hardware).devices(2) > 1:
            return "each process needs its own GPU: leave out oversubscribe"
        return super().unsupported(cell, host)
