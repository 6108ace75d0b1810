"""What a machine can do at best, beside which every rate is quoted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from harness.domain.run import Environment, Host

MEMORY_READ = "memory_read"  # of a buffer far beyond the last cache
MEMORY_COPY = "memory_copy"  # bytes read and bytes written, both counted
CLOCK = "clock"  # of a processor under load

# Buffer sizes in bytes at which reading is measured too, 1 MiB to 1 GiB: memory_read@32MiB. What
# fits in a cache is read faster. Between two of them the bandwidth is interpolated.
CURVE = tuple(2**power for power in range(20, 31))
_CURVE_SECONDS = 2  # the whole curve, in times of what the search for one ceiling takes
_UNITS = {"MiB": 2**20, "GiB": 2**30}

SEARCH_SECONDS = 1.5  # how long the best kernel for each is searched for, if nobody says

DISTURBED = 0.1  # the share of the machine that other work may take

FLOPS = "FLOP/s"  # for int8, operations: a multiply-add is two, as ever
BANDWIDTH = "B/s"
HERTZ = "Hz"


class CeilingKind(StrEnum):
    """Where a limit comes from. The three never mix unlabelled."""

    MEASURED = "measured"  # the best that any library reached on this host
    THEORETICAL = "theoretical"  # from units, lanes and the clock seen under load
    DATA_SHEET = "data sheet"  # as published for the device


@dataclass(frozen=True)
class Ceiling:
    """One limit: its name (gemm_fp32, memory_read, ...), its value, and how it came about."""

    name: str
    value: float
    unit: str
    kind: CeilingKind
    how: str  # kernel, size and threads; the arithmetic; or the source
    # The share of the machine that other work took while it was measured, where that can have
    # lowered it.
    others: float = 0.0

    @property
    def disturbed(self) -> bool:
        """Whether it is known to be too low to quote anything beside it."""
        return self.others > DISTURBED

    @property
    def reservation(self) -> str:
        """Why it is too low, to be added to what is said of it; empty where it is not."""
        if not self.disturbed:
            return ""
        return f"; too low: other work took {self.others:.0%} of the processors"

    @property
    def told(self) -> str:
        """How it came about, and why it is too low where it is."""
        return self.how + self.reservation

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "kind": self.kind.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ceiling:
        """The inverse of to_json."""
        return cls(**{**data, "kind": CeilingKind(data["kind"])})


@dataclass(frozen=True)
class Ceilings:
    """All limits of one hardware choice on one host, in one environment."""

    host: Host
    environment: Environment
    hardware: str  # its label, e.g. "cpu(threads=1)"
    found: tuple[Ceiling, ...]
    saved: datetime  # when the last of them was


def gemm(number_format: str) -> str:
    """The name of the peak of matrix products in a format: gemm_bf16."""
    return f"gemm_{number_format}"


def memory_read(size: int) -> str:
    """The name of the bandwidth at one buffer size of the curve: memory_read@32MiB."""
    name, unit = next(one for one in reversed(_UNITS.items()) if size >= one[1])
    return f"{MEMORY_READ}@{size // unit}{name}"


def buffer_bytes(name: str) -> int | None:
    """The inverse of `memory_read`; None for the name of any other ceiling."""
    start, _, size = name.partition("@")
    if start != MEMORY_READ or not size:
        return None
    return int(size[:-3]) * _UNITS[size[-3:]]


def search_seconds(name: str, seconds: float) -> float:
    """How long to search for this ceiling, where one outside the curve gets so many seconds."""
    if buffer_bytes(name) is None:
        return seconds
    return seconds * _CURVE_SECONDS / len(CURVE)


def all_reduce(processes: int) -> str:
    """The name of the bus bandwidth of an all-reduce over so many processes: all_reduce_2."""
    return f"all_reduce_{processes}"


def unit_of(name: str) -> str:
    """What a limit is counted in."""
    if name == CLOCK:
        return HERTZ
    return FLOPS if name.startswith("gemm_") else BANDWIDTH


def values(found: Iterable[Ceiling], kind: CeilingKind) -> dict[str, float]:
    """The values of one kind, by name, but for those known to be too low."""
    return {one.name: one.value for one in found if one.kind is kind and not one.disturbed}


def refutation(found: Iterable[Ceiling]) -> str | None:
    """Why theory does not hold: something was measured above it. None where it stands.

    All of it then falls: it comes from one record of a core, and one clock.
    """
    for row in _rows(found):
        measured, theory = (
            row.of.get(kind) for kind in (CeilingKind.MEASURED, CeilingKind.THEORETICAL)
        )
        if measured and theory and measured.value > theory.value:
            return (
                f"{row.name} was measured at {measured.value / 1e9:.0f} GFLOP/s, above the "
                f"{theory.value / 1e9:.0f} GFLOP/s that theory allows ({theory.how}): the record "
                "of the core, or the clock, does not hold here"
            )
    return None


def tenable(found: Sequence[Ceiling]) -> tuple[Ceiling, ...]:
    """All that may be shown: without theory, where a measurement refutes it."""
    refuted = refutation(found) is not None
    return tuple(one for one in found if not (refuted and one.kind is CeilingKind.THEORETICAL))


@dataclass(frozen=True)
class Row:
    """One limit, as each kind tells it."""

    name: str
    of: Mapping[CeilingKind, Ceiling]

    @property
    def share(self) -> float | None:
        """Measured over theoretical, or over the data sheet's where there is no theory."""
        measured = self.of.get(CeilingKind.MEASURED)
        bound = self.of.get(CeilingKind.THEORETICAL) or self.of.get(CeilingKind.DATA_SHEET)
        return measured.value / bound.value if measured and bound and bound.value else None


def compared(found: Sequence[Ceiling]) -> tuple[Row, ...]:
    """A row a name, in the order the names first come; refuted theory is in none."""
    return _rows(tenable(found))


def _rows(found: Iterable[Ceiling]) -> tuple[Row, ...]:
    rows: dict[str, dict[CeilingKind, Ceiling]] = {}
    for one in found:
        rows.setdefault(one.name, {})[one.kind] = one
    return tuple(Row(name, of) for name, of in rows.items())
