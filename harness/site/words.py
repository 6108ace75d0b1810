"""What things are called on the pages: metrics, and how they are explained."""

from __future__ import annotations

from dataclasses import replace

from harness.domain.metric import Direction, Estimate
from harness.domain.result import Status
from harness.metrics import in_page_order
from harness.metrics import registry as metrics
from harness.metrics.documents import lacks_documents
from harness.site.format import Figure, Scale, figure

STATUSES = {
    Status.OK: "Measured; it has a rank.",
    Status.FAILED: "An exception ended it; its traceback is on the cell's page.",
    Status.TIMED_OUT: "It did not end within the time limit.",
    Status.OUT_OF_MEMORY: "It needed more memory than the limit or the machine has.",
    Status.CRASHED: "Its process died by a signal, such as a segmentation fault.",
    Status.UNSUPPORTED: "This machine, or this combination of choices, cannot do it.",
    Status.SKIPPED: "It was not tried, for a reason known beforehand.",
    Status.MEASURING: "Rounds are still missing: the run goes on, or was cut short.",
}


def title(metric: str) -> str:
    """A metric's name as a column's or chart's title."""
    told = metrics[metric].title if metric in metrics else ""
    return told or metric.replace("_", " ").capitalize()


def meaning(metric: str) -> str:
    """One line on what a metric is; empty for one that no installed package declares."""
    return metrics[metric].summary if metric in metrics else ""


def unit_of(metric: str, unit: str) -> str:
    """The unit to print a metric in, where that of its value ("1", "1/s") says too little."""
    return (metrics[metric].printed_unit if metric in metrics else "") or unit


def figure_of(metric: str, estimate: Estimate, scale: Scale | None = None) -> Figure:
    """The metric in print; in the place of the interval why there is none, if documents lack."""
    told = figure(estimate, unit_of(metric, estimate.unit), scale)
    if not lacks_documents(metric, estimate):
        return told
    count = estimate.samples
    documents = f"{count} document{'' if count == 1 else 's'}"
    return replace(told, interval=f"{documents}: no interval")


def better(direction: Direction) -> str:
    """Which way is good, in words."""
    return f"{direction.value} is better"


def ordered(names: set[str]) -> list[str]:
    """Metrics in the order pages show them; those that no installed package has last, by name."""
    places = {entry.name: place for place, entry in enumerate(in_page_order())}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def quality() -> list[str]:
    """Figures of how far the output moved: they stand beside speed, never instead of it."""
    columns = [entry for entry in in_page_order() if entry.quality_column]
    return [entry.name for entry in sorted(columns, key=lambda entry: entry.quality_column)]


def leading(headline: str) -> list[str]:
    """The few figures that a cell's page opens with."""
    tiles = [entry.name for entry in in_page_order() if entry.tile]
    return [headline, *quality(), *tiles]


def columns(names: set[str]) -> list[str]:
    """Those of the metrics that a leaderboard has a column for, beside those of quality."""
    known = {name: metrics[name] for name in names if name in metrics}
    apart = {name for name, entry in known.items() if entry.quality_column or not entry.leaderboard}
    if "sent_bytes" not in names:  # each cell is one process, of which other columns say the same
        apart |= {name for name, entry in known.items() if entry.of_ranks}
    return ordered(names - apart)
