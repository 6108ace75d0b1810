"""The page of each machine's ceilings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.ceiling import (
    CURVE,
    FREQUENCY,
    MEMORY_READ,
    Ceiling,
    CeilingKind,
    CeilingRow,
    Ceilings,
    buffer_bytes,
    compared,
    memory_read,
    refutation,
)
from harness.domain.run import Host
from harness.site import charts
from harness.site.format import moment, quantity

KINDS = tuple(CeilingKind)
_FEWEST = 2  # sizes that make a curve


@dataclass(frozen=True)
class CeilingLine:
    """One ceiling: a figure per kind, the share of the bound that was reached, and the sources."""

    title: str
    figures: tuple[str | None, ...]  # in the order of KINDS
    reached: str  # "91%", or empty
    measured: str  # how it was measured, or empty
    too_low: bool
    sources: tuple[tuple[str, str], ...]  # kind and source of the ceilings not measured here


@dataclass(frozen=True)
class CeilingTable:
    """The ceilings of one hardware choice on one host."""

    anchor: str
    hardware: str
    host: Host
    facts: tuple[tuple[str, str], ...]
    lines: tuple[CeilingLine, ...]  # all ceilings except the curve
    curve: tuple[CeilingLine, ...]  # read bandwidth by buffer size
    chart: charts.Chart | None  # the curve, if two sizes were measured

    @property
    def has_sources(self) -> bool:
        """True if any ceiling comes from theory or a data sheet."""
        return any(line.sources for line in self.lines)


def tables(found: Sequence[Ceilings]) -> list[CeilingTable]:
    """A table for each host and hardware, from the newest environment measured there."""
    newest: dict[tuple[str, str], Ceilings] = {}
    for one in sorted(found, key=lambda one: one.saved, reverse=True):
        newest.setdefault((one.host.fingerprint, one.hardware), one)
    return [_table(number, newest[place]) for number, place in enumerate(sorted(newest))]


def title(name: str) -> str:
    """A ceiling's name in words: "Matrix products in bf16", "All-reduce over 2 processes"."""
    start, _, rest = name.partition("_")
    if start == "gemm":
        return f"Matrix products in {rest}"
    if buffer_bytes(name) is not None:
        size = name.partition("@")[2]
        return f"Reading {size[:-3]} {size[-3:]}"
    if name.startswith("all_reduce_"):
        return f"All-reduce over {name.rpartition('_')[2]} processes"
    return _TITLES.get(name, name.replace("_", " ").capitalize())


_TITLES = {
    MEMORY_READ: "Reading memory",
    "memory_copy": "Copying memory, bytes read plus written",
    FREQUENCY: "Frequency under load",
}


def _table(number: int, one: Ceilings) -> CeilingTable:
    versions = one.environment.versions
    software = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    refuted = refutation(one.found)
    rows = compared(one.found)
    return CeilingTable(
        anchor=f"ceilings-{number}",
        hardware=one.hardware,
        host=one.host,
        facts=(
            ("last measured", moment(one.saved)),
            ("software", software),
            *([("no theory", refuted)] if refuted else []),
        ),
        lines=tuple(_line(row) for row in rows if buffer_bytes(row.name) is None),
        curve=tuple(_line(row) for row in rows if buffer_bytes(row.name) is not None),
        chart=_chart(rows),
    )


def _chart(rows: Sequence[CeilingRow]) -> charts.Chart | None:
    """The chart of read bandwidth over buffer sizes; None if too few were measured."""
    rates = {row.name: row.by_kind[CeilingKind.MEASURED].value for row in rows if _is_measured(row)}
    points = [(size, rates[name]) for size in CURVE if (name := memory_read(size)) in rates]
    if len(points) < _FEWEST:
        return None
    caption = "Bandwidth of reading a buffer repeatedly, by its size: small buffers fit in caches."
    if MEMORY_READ in rates:
        caption += " The dashed line is the bandwidth far beyond the last cache."
    return charts.Chart(caption, charts.bandwidth(points, rates.get(MEMORY_READ)))


def _is_measured(row: CeilingRow) -> bool:
    return CeilingKind.MEASURED in row.by_kind


def _line(row: CeilingRow) -> CeilingLine:
    def figure(one: Ceiling | None) -> str | None:
        return quantity(one.value, one.unit) if one else None

    measured = row.by_kind.get(CeilingKind.MEASURED)
    return CeilingLine(
        title=title(row.name),
        figures=tuple(figure(row.by_kind.get(kind)) for kind in KINDS),
        reached=f"{row.share:.0%}" if row.share else "",
        measured=measured.explanation if measured else "",
        too_low=measured is not None and measured.is_too_low,
        sources=tuple(
            (kind.value, row.by_kind[kind].how) for kind in KINDS[1:] if kind in row.by_kind
        ),
    )
