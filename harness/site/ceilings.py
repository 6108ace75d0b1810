"""What each machine can do at best, as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.ceiling import (
    CURVE,
    FREQUENCY,
    MEMORY_READ,
    Ceiling,
    CeilingKind,
    Ceilings,
    Row,
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
class Line:
    """One limit: a figure for each kind, how much of the bound was reached, where each is from."""

    title: str
    figures: tuple[str | None, ...]  # in the order of KINDS
    reached: str  # "91%", or empty
    measured: str  # how, or empty
    too_low: bool
    sources: tuple[tuple[str, str], ...]  # of the other kinds: kind, how


@dataclass(frozen=True)
class Table:
    """The limits of one hardware choice on one host."""

    anchor: str
    hardware: str
    host: Host
    facts: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]  # of all but the curve
    curve: tuple[Line, ...]  # reading a buffer, by its size
    chart: charts.Chart | None  # of the curve, where two sizes are known

    @property
    def has_sources(self) -> bool:
        """Whether theory or a data sheet says anything."""
        return any(line.sources for line in self.lines)


def tables(found: Sequence[Ceilings]) -> list[Table]:
    """One for each host and hardware, in the newest environment it was measured in."""
    newest: dict[tuple[str, str], Ceilings] = {}
    for one in sorted(found, key=lambda one: one.saved, reverse=True):
        newest.setdefault((one.host.fingerprint, one.hardware), one)
    return [_table(number, newest[place]) for number, place in enumerate(sorted(newest))]


def title(name: str) -> str:
    """A limit in words: "Matrix products in bf16", "All-reduce over 2 processes"."""
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
    "memory_copy": "Copying memory, read and written bytes",
    FREQUENCY: "Clock under load",
}


def _table(number: int, one: Ceilings) -> Table:
    versions = one.environment.versions
    software = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    refuted = refutation(one.found)
    rows = compared(one.found)
    return Table(
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


def _chart(rows: Sequence[Row]) -> charts.Chart | None:
    """Bandwidth over buffer sizes."""
    of = {row.name: row.by_kind[CeilingKind.MEASURED].value for row in rows if _is_measured(row)}
    points = [(size, of[name]) for size in CURVE if (name := memory_read(size)) in of]
    if len(points) < _FEWEST:
        return None
    caption = (
        "Bandwidth of reading a buffer again and again, by its size: small ones fit in caches."
    )
    if MEMORY_READ in of:
        caption += " The dashed rule is the bandwidth far beyond the last cache."
    return charts.Chart(caption, charts.bandwidth(points, of.get(MEMORY_READ)))


def _is_measured(row: Row) -> bool:
    return CeilingKind.MEASURED in row.by_kind


def _line(row: Row) -> Line:
    def figure(one: Ceiling | None) -> str | None:
        return quantity(one.value, one.unit) if one else None

    measured = row.by_kind.get(CeilingKind.MEASURED)
    return Line(
        title=title(row.name),
        figures=tuple(figure(row.by_kind.get(kind)) for kind in KINDS),
        reached=f"{row.share:.0%}" if row.share else "",
        measured=measured.explanation if measured else "",
        too_low=measured is not None and measured.is_too_low,
        sources=tuple(
            (kind.value, row.by_kind[kind].how) for kind in KINDS[1:] if kind in row.by_kind
        ),
    )
