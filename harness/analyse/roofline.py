"""The roofline: the least time that a host's two ceilings allow for some work.

Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model"
(Communications of the ACM 52, 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COMPUTE = "compute"
BANDWIDTH = "memory bandwidth"


@dataclass(frozen=True)
class Roofline:
    """An amount of work and the ceilings of the host that does it."""

    flops: float  # FLOP
    bytes: float  # B moved between memory and the processor
    peak_flops: float  # FLOP/s
    peak_bandwidth: float  # B/s, at the working set of the work

    @property
    def intensity(self) -> float:
        """FLOP per byte moved."""
        return self.flops / self.bytes

    @property
    def ridge(self) -> float:
        """The intensity in FLOP/B above which compute binds, not memory bandwidth."""
        return self.peak_flops / self.peak_bandwidth

    @property
    def seconds(self) -> float:
        """The least possible time: computing and moving overlap, and the slower one counts."""
        return max(self.flops / self.peak_flops, self.bytes / self.peak_bandwidth)

    @property
    def bound(self) -> str:
        """The ceiling that binds."""
        return COMPUTE if self.intensity >= self.ridge else BANDWIDTH


def roofline(facts: Mapping[str, float]) -> Roofline | None:
    """The roofline of one iteration from a round's facts; None if a fact is unknown."""
    names = ("flops", "bytes_moved", "peak_flops", "peak_bandwidth")
    values = [facts.get(name) for name in names]
    known = [value for value in values if value]
    return Roofline(*known) if len(known) == len(names) else None
