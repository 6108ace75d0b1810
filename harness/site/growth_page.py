"""How time and memory grow with the prompt: charts and fitted exponents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analyse.growth import GROWING, Growth, growths
from harness.domain.naming import short_names
from harness.domain.run import Host
from harness.site import charts, words
from harness.site.cell_history import CellHistory
from harness.site.format import Figure, figure


@dataclass(frozen=True)
class GrowthRow:
    """One series and its exponents."""

    page: str
    name: str  # made of what sets it apart from the other series
    exponents: tuple[Figure | None, ...]  # one per metric of the table


@dataclass(frozen=True)
class GrowthTable:
    """The series of one scenario, hardware and host."""

    host: Host
    scenario: str
    hardware: str
    lengths: tuple[int, ...]
    metrics: tuple[str, ...]  # their titles
    rows: tuple[GrowthRow, ...]
    charts: tuple[charts.Chart, ...]


def growth_tables(histories: Sequence[CellHistory]) -> list[GrowthTable]:
    """The tables of the newest results; none if no cell was measured at enough lengths."""
    pages = {(one.cell.id, one.host.fingerprint): one.page for one in histories}
    found = {name: growths([one.newest for one in histories], name) for name in GROWING}
    places = dict.fromkeys(_place(one) for series in found.values() for one in series)
    return [
        _table(
            {name: [s for s in series if _place(s) == place] for name, series in found.items()},
            pages,
        )
        for place in places
    ]


def _place(one: Growth) -> tuple[str, str, str]:
    labels = one.cell.labels
    return (one.host.fingerprint, labels["scenario"], labels["hardware"])


def _table(found: dict[str, list[Growth]], pages: dict[tuple[str, str], str]) -> GrowthTable:
    metrics = [name for name, series in found.items() if series]
    every = [one for name in metrics for one in found[name]]
    first = every[0]
    cells = list({one.cell.id: one.cell for one in every}.values())
    names = short_names(cells)
    by_cell = {name: {one.cell.id: one for one in found[name]} for name in metrics}
    return GrowthTable(
        host=first.host,
        scenario=first.cell.labels["scenario"],
        hardware=first.cell.labels["hardware"],
        lengths=tuple(sorted({length for one in every for length, _ in one.points})),
        metrics=tuple(words.title(name) for name in metrics),
        rows=tuple(
            GrowthRow(
                page=pages[cell.id, first.host.fingerprint],
                name=names[cell.id],
                exponents=tuple(_exponent(by_cell[name].get(cell.id)) for name in metrics),
            )
            for cell in sorted(cells, key=lambda cell: names[cell.id])
        ),
        charts=tuple(_chart(name, found[name], names) for name in metrics),
    )


def _exponent(one: Growth | None) -> Figure | None:
    return figure(one.exponent, "1") if one else None


def _chart(metric: str, series: Sequence[Growth], names: Mapping[str, str]) -> charts.Chart:
    title, unit = words.title(metric), words.unit_of(metric, series[0].points[0][1].unit)
    lines = [
        charts.Curve(names[one.cell.id], tuple((n, found.value) for n, found in one.points))
        for one in series
    ]
    caption = f"{title} over prompt length, both axes logarithmic: a power law is a straight line."
    return charts.Chart(caption, charts.growth(lines, title, unit))
