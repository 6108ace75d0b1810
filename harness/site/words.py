"""The words on the pages: the names and explanations of metrics and statuses."""

from __future__ import annotations

from dataclasses import replace

from harness.domain.metric import Direction, Estimate
from harness.domain.result import Status
from harness.metrics import in_page_order
from harness.metrics import registry as metrics
from harness.metrics.documents import lacks_documents
from harness.site.format import Figure, Scale, figure

STATUSES = {
    Status.OK: "It was measured and has a rank.",
    Status.FAILED: "It ended with an exception; the traceback is on the cell's page.",
    Status.TIMED_OUT: "It did not end within the time limit.",
    Status.OUT_OF_MEMORY: "It needed more memory than the limit allows or the machine has.",
    Status.CRASHED: "Its process died by a signal, such as a segmentation fault.",
    Status.UNSUPPORTED: "This machine, or this combination of choices, cannot do it.",
    Status.SKIPPED: "It was not tried, for a reason known in advance.",
    Status.MEASURING: "Rounds are missing: the run is still going, was interrupted, or had too "
    "small a budget.",
}


def title(metric: str) -> str:
    """A metric's name as the title of a column or a chart."""
    declared = metrics[metric].title if metric in metrics else ""
    return declared or metric.replace("_", " ").capitalize()


def meaning(metric: str) -> str:
    """One line that says what a metric is; empty if no installed package declares it."""
    return metrics[metric].summary if metric in metrics else ""


def unit_of(metric: str, unit: str) -> str:
    """The unit to print a metric in: its own printed unit, else the unit of its value."""
    return (metrics[metric].printed_unit if metric in metrics else "") or unit


def figure_of(metric: str, estimate: Estimate, scale: Scale | None = None) -> Figure:
    """The metric, formatted. With too few documents, a note replaces the interval."""
    found = figure(estimate, unit_of(metric, estimate.unit), scale)
    if not lacks_documents(metric, estimate):
        return found
    count = estimate.samples
    documents = f"{count} document{'' if count == 1 else 's'}"
    return replace(found, interval=f"{documents}: no interval")


def better(direction: Direction) -> str:
    """The direction in words: "lower is better"."""
    return f"{direction.value} is better"


def ordered(names: set[str]) -> list[str]:
    """Metrics in the order that pages show them; undeclared ones come last, by name."""
    places = {entry.name: place for place, entry in enumerate(in_page_order())}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def quality() -> list[str]:
    """The metrics that show how far the output moved; pages show them beside speed."""
    columns = [entry for entry in in_page_order() if entry.quality_column]
    return [entry.name for entry in sorted(columns, key=lambda entry: entry.quality_column)]


def leading(headline: str) -> list[str]:
    """The few metrics that a cell's page opens with."""
    tiles = [entry.name for entry in in_page_order() if entry.tile]
    return [headline, *quality(), *tiles]


def columns(names: set[str]) -> list[str]:
    """The metrics that a leaderboard has a column for, without those of quality."""
    known = {name: metrics[name] for name in names if name in metrics}
    left = {name for name, entry in known.items() if entry.quality_column or not entry.leaderboard}
    if "sent_bytes" not in names:  # all cells are single processes: columns of ranks say no more
        left |= {name for name, entry in known.items() if entry.of_ranks}
    return ordered(names - left)
