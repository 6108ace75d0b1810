"""Prints comparisons of two sides: a summary, then a row for each metric compared.

`harness compare` prints stored results with it. Whatever else compares two sides makes Rows, and
prints them as `as_table`, `as_markdown` or `as_objects`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.analyse.outcomes import Outcome
from harness.cli.confirmations import change_text, interval_text
from harness.cli.table import table
from harness.domain.night import Verdict

if TYPE_CHECKING:
    from harness.domain.night import Confirmation

# The most characters of a comment on GitHub.
LONGEST = 65_536
_HEADERS = ("verdict", "change", "95 % interval", "p", "metric", "cell", "A", "B", "note")
_ORDER = (
    *(Outcome.FAILED, Outcome.SLOWER, Outcome.WORSE, Outcome.FASTER, Outcome.BETTER),
    *(Outcome.INCONCLUSIVE, Outcome.SAME, Outcome.NOT_RUN),
)
_LONGEST_NOTE = 200  # characters of a note in Markdown
_PLAIN = re.compile(r"[\w .,:;()%+/→=-]*")


@dataclass(frozen=True)
class Row:
    """A metric compared between two sides."""

    name: str  # of the cell, as short as the other rows allow
    metric: str
    verdict: Outcome
    ratio: float | None = None  # B over A
    low: float | None = None  # the ratio's 95% interval
    high: float | None = None
    p: float | None = None
    note: str = ""
    a: str = ""  # the values, with their units
    b: str = ""
    head_fault: bool = False  # B failed, or lacks a figure that A has
    data: Mapping[str, Any] = field(default_factory=dict)  # further keys of its JSON object


def row_of(one: Confirmation, name: str, margin: float) -> Row:
    """What pairs of rounds say, as a row."""
    from harness.analyse.outcomes import confirmation_note, of_confirmation

    return Row(
        name,
        one.metric,
        of_confirmation(one, margin, speed=is_speed(one.metric)),
        *(one.ratio, one.low, one.high, one.p),
        note=confirmation_note(one),
        head_fault=one.verdict is Verdict.FAILED,
        data={
            "cell": one.cell.id,
            "axes": one.cell.labels,
            "workload": one.cell.load,
            "unit": one.unit,
            "pairs": len(one.pairs),
            "confirmation": one.id,
        },
    )


def is_speed(metric: str) -> bool:
    """True for times and rates, which get faster or slower; other metrics get better or worse."""
    from harness import metrics

    known = metric in metrics.registry
    return known and metrics.registry[metric].group is metrics.Group.SPEED


def summary(rows: Sequence[Row]) -> str:
    """One line: how many rows have each verdict, and which is the worst and the best.

    `2 slower (most: decode int8, +12.0% TPOT), 30 the same`.
    """
    counts = Counter(row.verdict for row in rows)
    parts = [_count(verdict, counts[verdict], rows) for verdict in _ORDER if counts[verdict]]
    return ", ".join(parts) or "nothing to compare"


def _count(verdict: Outcome, count: int, rows: Sequence[Row]) -> str:
    word = "the same" if verdict is Outcome.SAME else str(verdict)
    sized = [row for row in rows if row.verdict is verdict and row.ratio]
    if not verdict.differs or not sized:
        return f"{count} {word}"
    most = max(sized, key=_size)
    return f"{count} {word} (most: {most.name}, {change_text(most.ratio)} {_title(most)})"


def _size(row: Row) -> float:
    assert row.ratio is not None
    return max(row.ratio, 1 / row.ratio)


def _title(row: Row) -> str:
    from harness.site import words

    return words.title(row.metric)


def _cells(row: Row) -> list[str]:
    return [
        str(row.verdict).upper(),
        change_text(row.ratio),
        interval_text(row.low, row.high),
        "" if row.p is None else f"{row.p:.1g}",
        _title(row),
        row.name,
        row.a,
        row.b,
        row.note,
    ]


def as_table(rows: Sequence[Row], heading: str) -> str:
    """The summary, what is compared, and all rows; only columns in which something stands."""
    text = f"{summary(rows)}\n{heading}"
    return f"{text}\n\n{_table(rows, 'table')}" if rows else text


def _table(rows: Sequence[Row], style: str) -> str:
    cells = [_cells(row) for row in rows]
    if style == "markdown":
        cells = [[*one[:-1], _clipped(one[-1])] for one in cells]
        cells = [[_inert(text) for text in one] for one in cells]
    kept = [place for place in range(len(_HEADERS)) if any(one[place] for one in cells)]
    headers = [_HEADERS[place] for place in kept]
    text = table(headers, [[one[place] for place in kept] for one in cells], style)
    return _narrowed(text) if style == "markdown" else text


def _narrowed(text: str) -> str:
    """A Markdown table without the padding of its columns, so that more rows fit."""
    return re.sub(r" {2,}", " ", re.sub(r"(?<=\|)-+(?=\|)", "---", text))


def _clipped(note: str) -> str:
    return note if len(note) <= _LONGEST_NOTE else f"{note[: _LONGEST_NOTE - 3]}..."


def _inert(text: str) -> str:
    """The text as code, if Markdown could take it for anything else: a link, HTML, a mention."""
    if _PLAIN.fullmatch(text) and "__" not in text:
        return text
    if _PLAIN.fullmatch(text.replace("[", "").replace("]", "")) and text.startswith(("[+", "[-")):
        return text  # an interval
    flat = " ".join(text.split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if "`" in flat else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def as_markdown(rows: Sequence[Row], heading: str) -> str:
    """For a comment on a change: the summary, what differs or failed, and the rest folded.

    It has at most LONGEST characters. The rows that do not fit are counted.
    """
    shown = [row for row in rows if row.verdict.differs or row.verdict is Outcome.FAILED]
    rest = [row for row in rows if row not in shown]
    start = f"**{_inert(summary(rows))}**\n\n{_inert(heading)}\n"
    start += _fitting(shown, LONGEST - len(start) - 500) if shown else ""
    if not rest:
        return start
    opening = f"\n<details>\n<summary>{summary(rest)}</summary>\n"
    closing = "\n</details>"
    return start + opening + _fitting(rest, LONGEST - len(start + opening + closing)) + closing


def _fitting(rows: Sequence[Row], room: int) -> str:
    """As many of the rows as fit into that many characters, and how many are left out."""
    count = len(rows)
    while count:
        left = len(rows) - count
        more = f"\nand {left} more, which do not fit here\n" if left else ""
        text = f"\n{_table(rows[:count], 'markdown')}\n{more}"
        if len(text) <= room:
            return text
        count = min(count - 1, int(count * room / len(text)))
    return f"\n{len(rows)} rows, which do not fit here\n"


def as_objects(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows for a JSON document; docs/json.md describes every key."""
    return [
        {
            "name": row.name,
            "metric": row.metric,
            "verdict": str(row.verdict),
            "ratio": row.ratio,
            "low": row.low,
            "high": row.high,
            "p": row.p,
            "note": row.note,
            "worse": row.verdict.is_worse,
            **row.data,
        }
        for row in rows
    ]


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows have each verdict."""
    found = Counter(row.verdict for row in rows)
    return {str(verdict): found[verdict] for verdict in _ORDER}
