"""Leaderboards: rankings of comparable cells, with unranked cells and the reasons below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from harness.analyse.interference import interference_report
from harness.analyse.ranking import pareto_front, rank
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Status
from harness.domain.run import Host
from harness.site import charts, words
from harness.site.aspects import aspects
from harness.site.baseline import Gain, Places, gain
from harness.site.cell_history import CellHistory
from harness.site.format import Figure, Scale, finite, rounds_text, scale_for
from harness.site.scaling import COLUMNS, oversubscribed, scaling

Headline: TypeAlias = Callable[[str], str]  # maps a scenario to the metric that ranks it


@dataclass(frozen=True)
class Column:
    """A table's column for a metric."""

    metric: str
    title: str
    meaning: str
    direction: Direction
    unit: str
    scale: Scale


@dataclass(frozen=True)
class Row:
    """One cell of a group. `reason` says why a row has no rank."""

    page: str
    result: Result
    choices: tuple[str, ...]  # its values of what varies in the group
    rank: str = ""
    reason: str = ""
    figures: tuple[Figure | None, ...] = ()  # one per column
    quality: tuple[Figure | None, ...] = ()  # one per quality column
    scaling: tuple[Figure | None, ...] = ()  # strong, weak
    gain: Gain = field(default_factory=Gain)
    rounds: int = 0
    rounds_text: str = ""  # their number; says so if there is no interval
    samples: int = 0
    disturbed: tuple[str, ...] = ()  # what interfered with the rounds, and which rounds count
    on_pareto_front: bool = False  # of speed, memory and quality

    @property
    def name(self) -> str:
        """The row's values of what varies in its group."""
        return " · ".join(self.choices) or str(self.result.cell)


@dataclass(frozen=True)
class CellGroup:
    """Comparable cells: one model and one workload; they differ in other axes."""

    anchor: str
    title: str
    workload: str
    constant: tuple[tuple[str, str], ...]  # what all rows share: (what, value)
    varying: tuple[str, ...]  # the names of what varies
    columns: tuple[Column, ...]  # the ranking metric comes first
    quality: tuple[Column, ...]
    scaling: tuple[tuple[str, str], ...]  # titles and meanings of columns; empty if none scales
    ranked: tuple[Row, ...]
    unranked: tuple[Row, ...]


@dataclass(frozen=True)
class Board:
    """The groups of one scenario on one hardware of one host."""

    anchor: str
    host: Host
    hardware: str
    scenario: str
    groups: tuple[CellGroup, ...]


@dataclass(frozen=True)
class _Table:
    """What all rows of a group need."""

    metric: str
    columns: tuple[Column, ...]
    quality: tuple[Column, ...]
    places: Places


def boards(histories: Sequence[CellHistory], places: Places, headline: Headline) -> list[Board]:
    """The leaderboards of the newest results; hosts in the order given."""
    hosts = list(dict.fromkeys(one.host.fingerprint for one in histories))
    gathered: dict[tuple[int, str, str], list[CellHistory]] = {}
    for one in histories:
        labels = one.cell.labels
        place = (hosts.index(one.host.fingerprint), labels["hardware"], labels["scenario"])
        gathered.setdefault(place, []).append(one)
    return [
        _board(f"board-{number}", gathered[place], places, headline)
        for number, place in enumerate(sorted(gathered), start=1)
    ]


def unrankable(result: Result, metric: str) -> str:
    """Why a result has no rank; empty if it has one."""
    if result.status is Status.MEASURING:
        done = sum(one.status is Status.OK for one in result.rounds)
        return result.reason or f"rounds are still missing; {done} measured so far"
    if result.status is not Status.OK:
        return result.reason or "no reason was recorded"
    estimate = result.metrics.get(metric)
    if estimate is None:
        return f"{words.title(metric)}, which ranks this scenario, was not measured"
    if finite(estimate.value) is None:
        return f"{words.title(metric)}, which ranks this scenario, is not a finite number"
    return ""


def charts_of(group: CellGroup) -> list[charts.Chart]:
    """Bars of the ranking metric and, if quality differs, speed against quality loss."""
    if len(group.ranked) < 2:
        return []
    main = group.columns[0]
    bars = charts.bars([_bar(row, main.metric) for row in group.ranked], main.title, main.unit)
    better = words.better(main.direction)
    drawn = [charts.Chart(f"{main.title} with 95% intervals; {better}.", bars)]
    for column in group.quality[:1]:
        dots = [dot for row in group.ranked if (dot := _dot(row, main.metric, column.metric))]
        if len({dot.loss for dot in dots}) > 1:
            axes = ((main.title, main.unit), (column.title, column.unit))
            corner = "top" if main.direction is Direction.HIGHER else "bottom"
            caption = f"{main.title} against {column.title.lower()}; {corner} left is best. "
            caption += "Names mark the Pareto front of speed, memory and quality."
            drawn.append(charts.Chart(caption, charts.trade_off(dots, *axes)))
    return drawn


def _board(
    anchor: str, members: Sequence[CellHistory], places: Places, headline: Headline
) -> Board:
    first = members[0]
    metric = headline(first.cell.scenario.name)
    gathered: dict[tuple[Choice, tuple[tuple[str, int], ...], bool], list[CellHistory]] = {}
    for one in members:
        place = (one.cell.model, one.cell.workload, oversubscribed(one.cell))
        gathered.setdefault(place, []).append(one)
    ordered = sorted(gathered.values(), key=lambda group: _order(group[0].cell))
    return Board(
        anchor=anchor,
        host=first.host,
        hardware=first.cell.labels["hardware"],
        scenario=first.cell.labels["scenario"],
        groups=tuple(
            _group(f"{anchor}-{number}", group, places, metric)
            for number, group in enumerate(ordered, start=1)
        ),
    )


def _order(cell: Cell) -> tuple[str, tuple[tuple[str, int], ...], bool, str]:
    return (cell.labels["model"], cell.workload, oversubscribed(cell), cell.id)


def _group(anchor: str, members: Sequence[CellHistory], places: Places, metric: str) -> CellGroup:
    found = aspects([one.newest for one in members])
    chosen = sorted(zip(members, found.choices, strict=True), key=lambda pair: pair[1])
    rankable = [pair for pair in chosen if not unrankable(pair[0].newest, metric)]
    results = [one.newest for one, _ in rankable]
    table = _Table(
        metric,
        _columns(results, metric),
        tuple(_column(results, name) for name in _quality(results)),
        places,
    )
    cell = members[0].cell
    ranked = _ranked(rankable, table)
    return CellGroup(
        anchor=anchor,
        title=cell.labels["model"],
        workload=", ".join(
            [f"{key} {value:,}" for key, value in cell.workload]
            + (["more processes than cores"] if oversubscribed(cell) else [])
        ),
        constant=found.constant,
        varying=found.varying,
        columns=table.columns,
        quality=table.quality,
        scaling=COLUMNS if any(any(row.scaling) for row in ranked) else (),
        ranked=ranked,
        unranked=tuple(
            Row(one.page, one.newest, choices, reason=why)
            for one, choices in chosen
            if (why := unrankable(one.newest, metric))
        ),
    )


def _quality(results: Sequence[Result]) -> Sequence[str]:
    """The quality metrics that were measured; one of them if none was, so that a column says so."""
    quality = words.quality()
    measured = [name for name in quality if any(name in one.metrics for one in results)]
    return measured or quality[-1:]


def _columns(results: Sequence[Result], metric: str) -> tuple[Column, ...]:
    measured = {name for result in results for name in result.metrics}
    others = [name for name in words.columns(measured) if name != metric]
    return tuple(_column(results, name) for name in (metric, *others))


def _column(results: Sequence[Result], metric: str) -> Column:
    estimates = [found for result in results if (found := result.metrics.get(metric))]
    unit = words.unit_of(metric, estimates[0].unit if estimates else "1")
    return Column(
        metric=metric,
        title=words.title(metric),
        meaning=words.meaning(metric),
        direction=estimates[0].direction if estimates else Direction.LOWER,
        unit=unit,
        scale=scale_for([estimate.value for estimate in estimates], unit),
    )


def _ranked(
    rankable: Sequence[tuple[CellHistory, tuple[str, ...]]], table: _Table
) -> tuple[Row, ...]:
    best_first = sorted(rankable, key=lambda pair: _cost(pair[0].newest, table.metric))
    ranks = rank([one.newest.metrics[table.metric] for one, _ in best_first])
    on_front = _on_pareto_front([one.newest for one, _ in best_first], table)
    return tuple(
        replace(_row(one, choices, str(place), table), on_pareto_front=is_on_front)
        for (one, choices), place, is_on_front in zip(best_first, ranks, on_front, strict=True)
    )


def _on_pareto_front(results: Sequence[Result], table: _Table) -> list[bool]:
    """Whether each result is on the Pareto front; none is if no result has a quality figure."""
    loss = table.quality[0].metric
    if not any(loss in one.metrics for one in results):
        return [False] * len(results)
    metrics = (table.metric, "peak_memory", loss)
    rows = [[_compared_estimate(one, name) for name in metrics] for one in results]
    known = [row for row in rows if None not in row]
    on_front = iter(pareto_front([[cell for cell in row if cell] for row in known]))
    return [None not in row and next(on_front) for row in rows]


def _compared_estimate(result: Result, metric: str) -> Estimate | None:
    """The result's estimate, if it has one. A logit error is exact: all rounds have the same.

    The dense fp32 model has no error against itself.
    """
    found, cell = result.metrics.get(metric), result.cell
    if metric != "logit_error":
        return found
    if found is None:
        dense = not cell.compression and cell.precision.name == "fp32"
        return Estimate(0.0, 0.0, 0.0, "1", Direction.LOWER, 1, 1) if dense else None
    return replace(found, low=found.value, high=found.value)


def _cost(result: Result, metric: str) -> float:
    """The metric's value, negated if higher is better, so that less is better."""
    estimate = result.metrics[metric]
    return estimate.value if estimate.direction is Direction.LOWER else -estimate.value


def _row(one: CellHistory, choices: tuple[str, ...], place: str, table: _Table) -> Row:
    headline = one.newest.metrics[table.metric]
    return Row(
        page=one.page,
        result=one.newest,
        choices=choices,
        rank=place,
        figures=tuple(_figures(one.newest, table.columns)),
        quality=tuple(_figures(one.newest, table.quality)),
        scaling=scaling(one, table.places),
        gain=gain(one, table.places, table.metric),
        rounds=headline.rounds,
        rounds_text=rounds_text(headline),
        samples=headline.samples,
        disturbed=tuple(interference_report(one.newest.rounds)),
    )


def _figures(result: Result, columns: Sequence[Column]) -> Iterator[Figure | None]:
    for column in columns:
        estimate = result.metrics.get(column.metric)
        yield words.figure_of(column.metric, estimate, column.scale) if estimate else None


def _bar(row: Row, metric: str) -> charts.Bar:
    one = row.result.metrics[metric]
    return charts.Bar(row.name, one.value, one.low, one.high, row.gain.is_baseline)


def _dot(row: Row, metric: str, loss: str) -> charts.Dot | None:
    found = row.result.metrics.get(loss)
    if found is None or finite(found.value) is None:
        return None
    speed = row.result.metrics[metric].value
    return charts.Dot(row.name, speed, found.value, row.gain.is_baseline, row.on_pareto_front)
