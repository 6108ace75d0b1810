"""oversubscribe: more processes than cores, to see that a split works, not how fast it is.

Processes that share a core wait for each other: such results are marked, and never ranked with
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
    """A mark on the cell."""

    class Options(Options):
        """Whether."""

        wanted: bool = Field(False, description="true runs them all the same")

    short = "wanted"
    decoders = False

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Devices of which each process takes one."""
        if hardware.registry.of(cell.hardware).devices(2) > 1:
            return "processes share no GPU: leave out oversubscribe"
        return super().unsupported(cell, host)
