"""An axis from an outside package: on which cores the processes of a cell run."""

from __future__ import annotations

from pydantic import Field

from harness.domain.axis import Axis
from harness.domain.cell import Cell
from harness.domain.entry import Entry, Options
from harness.domain.run import Host
from harness.spec.axis_grammars import add_axis


class Free(Entry):
    """The default: the behaviour of every cell before the axis existed."""

    name, summary = "free", "wherever the system puts them"


class Pinned(Entry):
    """All processes on neighbouring cores."""

    name, summary = "pinned", "on neighbouring cores"

    class Options(Options):
        """Which cores."""

        first: int = Field(0, ge=0, description="the first core")

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Refuses a core that the host lacks."""
        last = host.logical_cores - 1
        return None if self.options.first <= last else f"this host's last core is {last}"


add_axis(
    Axis("affinity", "on which cores it runs: free, or {name: pinned, first: 2}", default="free"),
    {entry.name: entry for entry in (Free, Pinned)},
)
