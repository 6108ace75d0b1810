"""The content of a cell's page: its newest result in full, and its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from harness.analyse import history
from harness.analyse.changes import Steps, steps
from harness.analyse.second_opinion import second_opinion
from harness.analyse.stats import relative_half_width
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round, Status
from harness.domain.run import Asked
from harness.site import charts, words
from harness.site.baseline import Gain, Places, gain
from harness.site.cell_history import CellHistory
from harness.site.format import (
    Figure,
    figure,
    finite,
    moment,
    percent,
    quantity,
    rounds_text,
)
from harness.site.surroundings import Surroundings, surroundings
from harness.site.words import unit_of

_FEWEST = 2  # points that make a history


@dataclass(frozen=True)
class MetricRow:
    """A metric of the newest result, formatted."""

    metric: str
    title: str
    meaning: str
    better: str
    figure: Figure
    spread: str  # half the interval's width as a share of the value
    rounds: int
    rounds_text: str  # their number; says so if there is no interval
    samples: int


@dataclass(frozen=True)
class SectionRow:
    """One round's samples of one section: a row of the table that repeats the chart."""

    round: int
    measured: int
    warmup: int
    median: str
    least: str
    most: str


@dataclass(frozen=True)
class Section:
    """A timed section as a chart and as a table."""

    title: str
    chart: charts.Chart
    rows: tuple[SectionRow, ...]


@dataclass(frozen=True)
class MomentRow:
    """A metric at one commit, formatted."""

    label: str
    subject: str
    date: str
    figure: Figure
    change: str  # what changed in the environment since the previous row, if anything
    step: str  # how far the level changed at this commit, if it did


@dataclass(frozen=True)
class Trend:
    """A metric over commits as a chart and as a table, oldest first."""

    title: str
    chart: charts.Chart
    rows: tuple[MomentRow, ...]


@dataclass(frozen=True)
class CellView:
    """Everything that a cell's page shows."""

    history: CellHistory
    headline_title: str
    gain: Gain
    axes: tuple[tuple[str, str], ...]
    tiles: tuple[MetricRow, ...]
    metrics: tuple[MetricRow, ...]
    sections: tuple[Section, ...]
    trends: tuple[Trend, ...]
    provenance: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    specs: tuple[tuple[str, Asked], ...]
    older: tuple[tuple[Result, Figure | None], ...]
    host: Surroundings


def view(one: CellHistory, places: Places, headline: str, version: str) -> CellView:
    """The page's content; `version` is the version of the harness that builds the page."""
    result = one.newest
    rows = tuple(metric_rows(result.metrics))
    return CellView(
        history=one,
        headline_title=words.title(headline),
        gain=gain(one, places, headline) if result.status is Status.OK else Gain(),
        axes=axes(result),
        tiles=tuple(row for name in words.leading(headline) for row in rows if row.metric == name),
        metrics=rows,
        sections=tuple(sections(result.rounds)),
        trends=tuple(trends(one.results, headline)),
        provenance=provenance(result, version),
        versions=tuple(sorted(result.run.environment.versions.items())),
        specs=tuple(result.run.specs.items()),
        older=tuple((old, _headline(old, headline)) for old in one.results[1:]),
        host=surroundings(result),
    )


def axes(result: Result) -> tuple[tuple[str, str], ...]:
    """Each axis and workload key with its value; a label is followed by its meaning."""
    cell = result.cell
    pairs = []
    for axis, label in cell.labels.items():
        value = cell[axis]
        full = _in_full(value) if not isinstance(value, tuple) else label
        pairs.append((axis, label if full == label else f"{label}: {full}"))
    pairs += [(key, f"{value:,}") for key, value in cell.workload]
    return (*pairs, *([("assumed", result.assumed)] if result.assumed else []))


def metric_rows(metrics: Mapping[str, Estimate]) -> Iterator[MetricRow]:
    """The metrics, formatted, in the order that pages show them."""
    for name in words.ordered(set(metrics)):
        estimate = metrics[name]
        yield MetricRow(
            metric=name,
            title=words.title(name),
            meaning=words.meaning(name),
            better=words.better(estimate.direction),
            figure=words.figure_of(name, estimate),
            spread=_spread(estimate),
            rounds=estimate.rounds,
            rounds_text=rounds_text(estimate),
            samples=estimate.samples,
        )


def sections(rounds: Sequence[Round]) -> Iterator[Section]:
    """The timed sections, in the order that pages show them."""
    for name in words.ordered({sample.section for one in rounds for sample in one.samples}):
        count = sum(sample.section == name for one in rounds for sample in one.samples)
        step = charts.thinning(count)
        caption = f"{words.title(name)}: every sample, with each round's median as a line."
        if step > 1:
            caption = (
                f"{words.title(name)}: one in {step} of {count:,} samples, with their medians."
            )
        chart = charts.Chart(caption, charts.samples(rounds, name, words.title(name)))
        rows = tuple(row for one in rounds if (row := _section_row(one, name)))
        yield Section(words.title(name), chart, rows)


def trends(results: Sequence[Result], headline: str) -> Iterator[Trend]:
    """Each metric with at least two points over commits; the ranking metric comes first."""
    measured = words.ordered({name for result in results for name in result.metrics})
    names = sorted(measured, key=lambda name: name != headline)
    for name in names:
        estimates = [found for result in results if (found := result.metrics.get(name))]
        direction = estimates[0].direction
        series = history.all_series(results, name)
        judged = [steps([point.value for point in one.points]) for one in series]
        moments = list(_moments(series, judged, direction))
        agreed = _agreed(series, judged)
        if sum(finite(moment.value) is not None for moment in moments) < _FEWEST:
            continue
        unit = unit_of(name, estimates[0].unit)
        spec = charts.history(moments, words.title(name), unit)
        caption = f"{words.title(name)} over {_commits(moments)}; {words.better(direction)}."
        if any(moment.change for moment in moments):
            caption += " A dashed line marks a change of the environment and interrupts the curve."
        caption += _smallest(judged[-1])
        rows = tuple(
            _moment_row(one, estimates[0], unit, agreed=agreed.get(place))
            for place, one in enumerate(moments)
        )
        yield Trend(words.title(name), charts.Chart(caption, spec), rows)


def provenance(result: Result, version: str) -> tuple[tuple[str, str], ...]:
    """The newest result's provenance, as (what, value) pairs."""
    run = result.run
    commit = run.commit
    return (
        ("commit", commit.sha or "none: the code is not in a git checkout"),
        ("subject", commit.subject),
        ("branch", commit.branch),
        ("committed", moment(commit.date)),
        ("uncommitted changes", f"yes, digest {commit.dirty}" if commit.dirty else "none"),
        ("run started", moment(run.started)),
        ("run finished", moment(run.finished)),
        ("command", run.command),
        ("seed", str(run.seed)),
        ("host", str(run.host)),
        ("host fingerprint", run.host.fingerprint),
        ("architecture", f"{run.host.architecture}, {run.host.system}"),
        ("instruction sets", ", ".join(run.host.isa)),
        ("cell", result.cell.id),
        ("environment digest", run.environment.digest),
        ("page built by", f"harness {version}"),
    )


def _in_full(choice: object) -> str:
    name, options = getattr(choice, "name", ""), getattr(choice, "options", ())
    inner = ", ".join(f"{key} {value}" for key, value in options)
    return f"{name} ({inner})" if inner else str(name)


def _spread(estimate: Estimate) -> str:
    half = relative_half_width(estimate)
    return percent(half) if half and finite(half) else ""


def _section_row(one: Round, section: str) -> SectionRow | None:
    taken = [sample for sample in one.samples if sample.section == section]
    if not taken:
        return None
    timed = one.timed(section)
    return SectionRow(
        round=one.index + 1,
        measured=len(timed),
        warmup=len(taken) - len(timed),
        median=quantity(median(timed), "s") if timed else "",
        least=quantity(min(timed), "s") if timed else "",
        most=quantity(max(timed), "s") if timed else "",
    )


def _headline(result: Result, metric: str) -> Figure | None:
    estimate = result.metrics.get(metric)
    return figure(estimate, unit_of(metric, estimate.unit)) if estimate else None


def _moments(
    found: Sequence[history.Series], judged: Sequence[Steps | None], direction: Direction
) -> Iterator[charts.Moment]:
    """All points; the first point of each later series says what changed before it."""
    before = None
    for series, one in zip(found, judged, strict=True):
        now = series.environment
        change = ", ".join(history.changes(before, now)) if before else ""
        for place, point in enumerate(series.points):
            plain = _moment(point, "" if place else change)
            yield plain if one is None else _with_level(plain, place, one, direction)
        before = now


def _with_level(
    moment: charts.Moment, place: int, judged: Steps, direction: Direction
) -> charts.Moment:
    """The moment at that place of a series, with its level and the step to it, if there is one."""
    if not judged.changes:
        return moment
    passed = [one for one in judged.changes if one.index <= place]
    level = passed[-1].after if passed else judged.changes[0].before
    if not passed or passed[-1].index != place:
        return replace(moment, level=level)
    step = f"{passed[-1].ratio - 1:+.1%}"
    return replace(moment, level=level, step=step, worse=passed[-1].is_worse(direction))


def _smallest(judged: Steps | None) -> str:
    """How large a change must be to be seen, by the newest environment's series."""
    if judged is None:
        return ""
    return f" Noise {judged.noise:.1%}; five commits would show a change of {judged.smallest:.1%}."


def _commits(moments: Sequence[charts.Moment]) -> str:
    count = len({moment.label for moment in moments})
    return f"{count} commit{'' if count == 1 else 's'}"


def _moment(point: history.Point, change: str) -> charts.Moment:
    commit = point.commit
    return charts.Moment(
        label=commit.sha[:7] + ("+dirty" if commit.dirty else "") or moment(point.when),
        subject=commit.subject,
        date=moment(point.when),
        value=point.value,
        low=point.low,
        high=point.high,
        change=change,
    )


def _agreed(found: Sequence[history.Series], judged: Sequence[Steps | None]) -> dict[int, bool]:
    """For each moment at which the level changed: True if asv's detector sees a step there."""
    agreed: dict[int, bool] = {}
    first = 0
    for series, one in zip(found, judged, strict=True):
        opinion = second_opinion([point.value for point in series.points], one)
        changes = one.changes if one else ()
        for change, agrees in zip(changes, opinion.agrees, strict=True):
            agreed[first + change.index] = agrees
        first += len(series.points)
    return agreed


def _moment_row(
    one: charts.Moment, like: Estimate, unit: str, *, agreed: bool | None = None
) -> MomentRow:
    estimate = replace(like, value=one.value, low=one.low, high=one.high)
    step = f"{one.step} {'worse' if one.worse else 'better'}" if one.step else ""
    if step:
        step += "; asv's detector agrees" if agreed else "; asv's detector sees no step here"
    return MomentRow(one.label, one.subject, one.date, figure(estimate, unit), one.change, step)
