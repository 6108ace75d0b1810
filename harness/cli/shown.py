"""Results as a table for people, and as CSV for a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cli.table import table
from harness.cli.words import estimate_text
from harness.domain.axis import AXES
from harness.domain.naming import shared_text, short_names

if TYPE_CHECKING:
    from harness.analyse.compare import Speedup
    from harness.domain.metric import Estimate
    from harness.domain.result import Result


@dataclass(frozen=True)
class Shown:
    """A result, and its speed-up if it has one."""

    result: Result
    speedup: Speedup | None

    @property
    def disturbed(self) -> int:
        """How many of its rounds were disturbed."""
        from harness.analyse.interference import is_disturbed

        return sum(map(is_disturbed, self.result.rounds))

    @property
    def headline(self) -> Estimate | None:
        """The metric that ranks the scenario, if the result has it."""
        from harness import scenarios

        name = scenarios.registry[self.result.cell.scenario.name].headline
        return self.result.metrics.get(name)

    @property
    def counts(self) -> tuple[str, str]:
        """The numbers of rounds and samples of the headline metric."""
        one = self.headline
        return (str(one.rounds), str(one.samples)) if one else ("", "")


def as_table(rows: Sequence[Shown], style: str) -> str:
    """A table for people: only the axes that differ; the shared values are listed below it."""
    cells = [row.result.cell for row in rows]
    axes = [axis for axis in AXES if len({cell.labels[axis] for cell in cells}) > 1]
    if len(rows) == 1:
        axes = list(AXES)
    columns = [name for name in _columns() if any(name in row.result.metrics for row in rows)]
    counts = ["rounds", "samples"]
    headers = ["cell", *axes, "workload", "status", *columns, "speed-up", *counts, "commit", "why"]
    text = table(headers, [_row(row, axes, columns) for row in rows], style)
    shared = shared_text(cells)
    notes = [f"all: {shared}"] if shared else []
    notes += [*_assumptions(rows), *_growth_lines(rows), *_disturbed_lines(rows)]
    return "\n".join([text, *([""] if notes else []), *notes])


def _columns() -> list[str]:
    """The metrics that a table shows, if any cell has them."""
    from harness import metrics

    shown = [entry for entry in metrics.in_page_order() if entry.show_column]
    return [entry.name for entry in sorted(shown, key=lambda entry: entry.show_column)]


def _assumptions(rows: Sequence[Shown]) -> dict[str, None]:
    """What was assumed about each model because no file says it; each line once."""
    results = [row.result for row in rows]
    return {f"{one.cell.model}: {one.assumed}": None for one in results if one.assumed}


def _growth_lines(rows: Sequence[Shown]) -> list[str]:
    """How each series with enough prompt lengths grows with the prompt."""
    from harness.analyse.growth import GROWING, growths

    results = [row.result for row in rows]
    found = [one for name in GROWING for one in growths(results, name)]
    names = short_names([one.cell for one in found])
    lines: dict[str, list[str]] = {}
    for one in found:
        text = f"{one.metric} ~ prompt^{estimate_text('', one.exponent)}"
        lines.setdefault(names[one.cell.id], []).append(text)
    return [f"{name}: {', '.join(exponents)}" for name, exponents in lines.items()]


def _disturbed_lines(rows: Sequence[Shown]) -> list[str]:
    """What disturbed each cell's rounds, and whether those rounds count."""
    from harness.analyse.interference import interference_report

    reports = {row.result.cell.id: interference_report(row.result.rounds) for row in rows}
    return [f"{cell}: disturbed: {'; '.join(lines)}" for cell, lines in reports.items() if lines]


def _row(row: Shown, axes: Sequence[str], columns: Sequence[str]) -> list[str]:
    from harness.site.format import rounds_text

    one = row.result
    return [
        one.cell.id,
        *(one.cell.labels[axis] for axis in axes),
        " ".join(f"{key}={value}" for key, value in one.cell.workload),
        str(one.status),
        *(
            estimate_text(name, one.metrics[name]) if name in one.metrics else ""
            for name in columns
        ),
        _ratio_text(row.speedup),
        rounds_text(row.headline) if row.headline else "",
        row.counts[1],
        str(one.run.commit),
        "; ".join(part for part in (_why(one), "disturbed" if row.disturbed else "") if part),
    ]


def _why(one: Result) -> str:
    return one.reason or str(one.stop_rule or "")


def _ratio_text(speedup: Speedup | None) -> str:
    if speedup is None:
        return ""
    ratio = speedup.estimate
    interval = "" if ratio.low is None else f" [{ratio.low:.2f}, {ratio.high:.2f}]"
    return f"{ratio.value:.2f}x{interval}{'' if speedup.paired else ' unpaired'}"


def as_csv(rows: Sequence[Shown]) -> str:
    """CSV for a spreadsheet: every axis, and every metric in its own unit with its interval."""
    units = {name: one.unit for row in rows for name, one in sorted(row.result.metrics.items())}
    figures = [
        part
        for name, unit in units.items()
        for part in (f"{name} [{unit}]", f"{name} low", f"{name} high")
    ]
    ratios = ["speed-up", "speed-up low", "speed-up high", "paired"]
    counts = ["rounds", "samples", "disturbed rounds"]
    headers = ["cell", *AXES, "workload", "status", *figures, *ratios, *counts, "commit", "why"]
    return table(headers, [_data(row, list(units)) for row in rows], "csv")


def _data(row: Shown, metrics: Sequence[str]) -> list[str]:
    one = row.result
    ratio = _numbers(row.speedup.estimate if row.speedup else None)
    return [
        one.cell.id,
        *(one.cell.labels[axis] for axis in AXES),
        " ".join(f"{key}={value}" for key, value in one.cell.workload),
        str(one.status),
        *(number for name in metrics for number in _numbers(one.metrics.get(name))),
        *ratio,
        str(row.speedup.paired).lower() if row.speedup else "",
        *row.counts,
        str(row.disturbed),
        str(one.run.commit),
        _why(one),
    ]


def _numbers(estimate: Estimate | None) -> tuple[str, str, str]:
    if estimate is None:
        return ("", "", "")
    numbers = (estimate.value, estimate.low, estimate.high)
    return tuple("" if one is None else str(one) for one in numbers)  # type: ignore[return-value]  # three in, three out
