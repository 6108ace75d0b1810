"""A cell's results over time: the newest, and those before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.domain.cell import Cell
from harness.domain.result import Result
from harness.domain.run import Host


@dataclass(frozen=True)
class CellHistory:
    """All results of one cell on one kind of host, newest first; never empty.

    A result that is still being measured comes after all others.
    """

    results: tuple[Result, ...]

    @property
    def newest(self) -> Result:
        """The newest result, which leaderboards show."""
        return self.results[0]

    @property
    def cell(self) -> Cell:
        """The measured cell."""
        return self.newest.cell

    @property
    def host(self) -> Host:
        """The host it was measured on."""
        return self.newest.run.host

    @property
    def page(self) -> str:
        """The path of the cell's page in the site."""
        return f"cells/{self.cell.id}-{self.host.fingerprint}.html"


def cell_histories(results: Sequence[Result]) -> list[CellHistory]:
    """A history for each cell and kind of host, in the order of `newest_first`."""
    gathered: dict[tuple[str, str], list[Result]] = {}
    for result in newest_first(results):
        place = (result.cell.id, result.run.host.fingerprint)
        gathered.setdefault(place, []).append(result)
    # A result without figures, of a run that is going on, must not hide one that has them.
    return [
        CellHistory(tuple(sorted(found, key=lambda one: not one.status.final)))
        for found in gathered.values()
    ]


def newest_first(results: Sequence[Result]) -> list[Result]:
    """The results by commit date, then by the run's start, newest first.

    Measuring an old commit today, to fill the history, does not make it the newest. A result
    without a commit date (code outside git) takes the run's start instead.
    """
    return sorted(results, key=_age, reverse=True)


def _age(result: Result) -> tuple[datetime, datetime, int]:
    started = _aware(result.run.started)
    committed = result.run.commit.date
    return (_aware(committed) if committed else started, started, result.id or 0)


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
