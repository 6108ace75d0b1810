"""Which result of a cell is the newest, and what came before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.domain.cell import Cell
from harness.domain.result import Result
from harness.domain.run import Host


@dataclass(frozen=True)
class Chronicle:
    """All results of one cell on one kind of host, newest first; never empty."""

    results: tuple[Result, ...]

    @property
    def newest(self) -> Result:
        """The one that counts today."""
        return self.results[0]

    @property
    def cell(self) -> Cell:
        """Whose results they are."""
        return self.newest.cell

    @property
    def host(self) -> Host:
        """Where it was measured."""
        return self.newest.run.host

    @property
    def page(self) -> str:
        """The path of its page in the site."""
        return f"cells/{self.cell.id}-{self.host.fingerprint}.html"


def chronicles(results: Sequence[Result]) -> list[Chronicle]:
    """One for each cell and kind of host, in the order of `newest_first`."""
    gathered: dict[tuple[str, str], list[Result]] = {}
    for result in newest_first(results):
        place = (result.cell.id, result.run.host.fingerprint)
        gathered.setdefault(place, []).append(result)
    return [Chronicle(tuple(found)) for found in gathered.values()]


def newest_first(results: Sequence[Result]) -> list[Result]:
    """By commit date, then by when the run started.

    Measuring an old commit today, to fill the history, does not make it the newest. A commit
    without a date (code in no git checkout) counts as made when its run started.
    """
    return sorted(results, key=_age, reverse=True)


def _age(result: Result) -> tuple[datetime, datetime, int]:
    started = _aware(result.run.started)
    made = result.run.commit.date
    return (_aware(made) if made else started, started, result.id or 0)


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
