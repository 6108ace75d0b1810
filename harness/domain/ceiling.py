"""Ceilings: the best a machine can do. Every rate is quoted beside its ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from harness.domain.run import Environment, Host

MEMORY_READ = "memory_read"  # of a buffer far beyond the last cache
MEMORY_COPY = "memory_copy"  # bytes read and bytes written, both counted
FREQUENCY = "clock"  # of a processor under load

# Buffer sizes in bytes, 1 MiB to 1 GiB, at which read bandwidth is measured too, such as
# memory_read@32MiB: a buffer that fits in a cache is read faster. Between two sizes the bandwidth
# is interpolated.
CURVE = tuple(2**power for power in range(20, 31))
_CURVE_SEARCHES = 2  # measuring the whole curve takes as long as searching for two ceilings
_UNITS = {"MiB": 2**20, "GiB": 2**30}

SEARCH_SECONDS = 1.5  # the default time to search for the best kernel of one ceiling

# A ceiling is too low if other work took more than this share of the processors meanwhile.
MOST_INTERFERENCE = 0.1

FLOPS = "FLOP/s"  # for int8, operations per second; a multiply-add counts as two
BANDWIDTH = "B/s"
HERTZ = "Hz"


class CeilingKind(StrEnum):
    """Where a ceiling comes from. The three kinds never mix unlabelled."""

    MEASURED = "measured"  # the best that any library reached on this host
    THEORETICAL = "theoretical"  # from units, lanes and the frequency seen under load
    DATA_SHEET = "data sheet"  # as the manufacturer publishes it


@dataclass(frozen=True)
class Ceiling:
    """One ceiling: its name (gemm_fp32, memory_read, ...), value and origin."""

    name: str
    value: float
    unit: str
    kind: CeilingKind
    how: str  # kernel, size and threads; the arithmetic; or the source
    # The share of the processors that other work took during the measurement, if it can have
    # lowered the value.
    others: float = 0.0

    @property
    def is_too_low(self) -> bool:
        """True if other work lowered the value too much to quote a rate beside it."""
        return self.others > MOST_INTERFERENCE

    @property
    def caveat(self) -> str:
        """A clause that says why the ceiling is too low; empty if it is not."""
        if not self.is_too_low:
            return ""
        return f"; too low: other work took {self.others:.0%} of the processors"

    @property
    def explanation(self) -> str:
        """How the ceiling was obtained, and any caveat."""
        return self.how + self.caveat

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "kind": self.kind.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ceiling:
        """Read what to_json returns."""
        return cls(**{**data, "kind": CeilingKind(data["kind"])})


@dataclass(frozen=True)
class Ceilings:
    """All ceilings of one hardware choice on one host, in one environment."""

    host: Host
    environment: Environment
    hardware: str  # the choice's label, e.g. "cpu(threads=1)"
    found: tuple[Ceiling, ...]
    saved: datetime  # when the newest of them was saved


def gemm(number_format: str) -> str:
    """The name of the matrix-product peak in a number format: gemm_bf16."""
    return f"gemm_{number_format}"


def memory_read(size: int) -> str:
    """The name of the read bandwidth at one buffer size of the curve: memory_read@32MiB."""
    name, unit = next((name, unit) for name, unit in reversed(_UNITS.items()) if size >= unit)
    return f"{MEMORY_READ}@{size // unit}{name}"


def buffer_bytes(name: str) -> int | None:
    """The buffer size in a name that `memory_read` made; None for any other ceiling's name."""
    start, _, size = name.partition("@")
    if start != MEMORY_READ or not size:
        return None
    return int(size[:-3]) * _UNITS[size[-3:]]


def search_seconds(name: str, seconds: float) -> float:
    """How long to search for this ceiling, if a ceiling outside the curve gets `seconds`."""
    if buffer_bytes(name) is None:
        return seconds
    return seconds * _CURVE_SEARCHES / len(CURVE)


def all_reduce(processes: int) -> str:
    """The name of an all-reduce's bus bandwidth over that many processes: all_reduce_2."""
    return f"all_reduce_{processes}"


def unit_of(name: str) -> str:
    """The unit of the ceiling of that name."""
    if name == FREQUENCY:
        return HERTZ
    return FLOPS if name.startswith("gemm_") else BANDWIDTH


def values(found: Iterable[Ceiling], kind: CeilingKind) -> dict[str, float]:
    """The values of one kind, by name, without the ceilings known to be too low."""
    return {one.name: one.value for one in found if one.kind is kind and not one.is_too_low}


def refutation(found: Iterable[Ceiling]) -> str | None:
    """Why the theory is wrong: a measurement exceeds it. None if no measurement does.

    One excess refutes every theoretical ceiling: all come from the same core record and the same
    frequency.
    """
    for row in _rows(found):
        measured, theory = (
            row.by_kind.get(kind) for kind in (CeilingKind.MEASURED, CeilingKind.THEORETICAL)
        )
        if measured and theory and measured.value > theory.value:
            return (
                f"{row.name} was measured at {measured.value / 1e9:.0f} GFLOP/s, above the "
                f"theoretical {theory.value / 1e9:.0f} GFLOP/s ({theory.how}): the record of the "
                "core or its frequency is wrong for this machine"
            )
    return None


def tenable(found: Sequence[Ceiling]) -> tuple[Ceiling, ...]:
    """The ceilings that may be shown: no theoretical ones if a measurement refutes them."""
    refuted = refutation(found) is not None
    return tuple(one for one in found if not (refuted and one.kind is CeilingKind.THEORETICAL))


@dataclass(frozen=True)
class CeilingRow:
    """One name's ceilings, by kind."""

    name: str
    by_kind: Mapping[CeilingKind, Ceiling]

    @property
    def share(self) -> float | None:
        """Measured over theoretical; over the data sheet's value if there is no theory."""
        measured = self.by_kind.get(CeilingKind.MEASURED)
        bound = self.by_kind.get(CeilingKind.THEORETICAL) or self.by_kind.get(
            CeilingKind.DATA_SHEET
        )
        return measured.value / bound.value if measured and bound and bound.value else None


def compared(found: Sequence[Ceiling]) -> tuple[CeilingRow, ...]:
    """One row per name, in the order of first appearance; refuted theory is left out."""
    return _rows(tenable(found))


def _rows(found: Iterable[Ceiling]) -> tuple[CeilingRow, ...]:
    rows: dict[str, dict[CeilingKind, Ceiling]] = {}
    for one in found:
        rows.setdefault(one.name, {})[one.kind] = one
    return tuple(CeilingRow(name, by_kind) for name, by_kind in rows.items())
