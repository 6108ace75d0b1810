"""Reports the progress of nights, gates and bisections, around that of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.analyse.confirm import LOOKS
from harness.cli.confirmations import change_text, interval_text
from harness.cli.output import say
from harness.cli.progress import training_line, watcher
from harness.domain.naming import short_names
from harness.domain.night import Role

if TYPE_CHECKING:
    from harness.dispatch.artifacts import Step
    from harness.dispatch.pairs import Comparison, SideDone
    from harness.dispatch.run import Prepared
    from harness.domain.cell import Cell
    from harness.domain.night import Confirmation, Night
    from harness.domain.run import Commit
    from harness.night.nightly import Suspect

_ROLES = {
    Role.SAME: "control, the commit against itself",
    Role.SLOWED: "control, the commit slowed on purpose",
}


class NightProgress:
    """Follows a night: the run by the run's own watcher, the pairs by a line each."""

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._run = watcher(quiet=quiet, verbose=verbose)
        self._quiet, self._verbose = quiet, verbose
        self._cells: Sequence[Cell] = ()  # of the run that the pairs follow
        self._names: Mapping[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        """The methods of the run's watcher."""
        return getattr(self._run, name)

    def begin(self, prepared: Prepared) -> None:
        """Report what the run will do."""
        self._cells = [item.cell for item in prepared.plan.items]
        self._run.begin(prepared)

    def continued(self, night: Night) -> None:
        """Report that a night goes on."""
        self._say(f"going on with the night that began at {night.started:%Y-%m-%d %H:%M} UTC")

    def building(self, commit: Commit) -> None:
        """Report the commit."""
        self._say(f"installing {commit} {commit.subject}")

    def suspicious(self, found: Sequence[Suspect]) -> None:
        """Report each suspicious value, with its expected range."""
        from harness.site.format import quantity

        names = short_names([*self._cells, *(one.item.cell for one in found)])
        for one in found:
            unit = one.estimate.unit
            low, high = (
                quantity(bound, unit) for bound in (one.prediction.low, one.prediction.high)
            )
            value = quantity(one.estimate.value, unit)
            name = names[one.item.cell.id] or str(one.item.cell)
            self._say(f"suspicious: {name}: {one.metric} {value}, expected {low} to {high}")

    def comparing(self, comparisons: Sequence[Comparison]) -> None:
        """Report what is compared."""
        self._names = short_names([*self._cells, *(one.item.cell for one in comparisons)])
        self._say(
            f"measuring {LOOKS[0]} to {LOOKS[-1]} pairs of rounds for each of "
            f"{len(comparisons)} comparisons"
        )

    def training(self, step: Step) -> None:
        """Report a step of training."""
        self._say(training_line(step))

    def pair(self, event: SideDone) -> None:
        """Report a round, if verbose."""
        if self._verbose:
            side = "head" if event.head else "base"
            value = event.round.values.get(event.comparison.metric)
            figure = event.round.reason if value is None else f"{event.comparison.metric} {value:g}"
            self._say(f"  {side} of {self._name(event.comparison)}: {figure}")

    def compared(self, found: Confirmation) -> None:
        """Report the verdict."""
        what = _ROLES.get(found.role, self._names.get(found.cell.id) or str(found.cell))
        self._say(f"{what}: {verdict_text(found)}")

    def _name(self, one: Comparison) -> str:
        return self._names.get(one.item.cell.id) or str(one.item.cell)

    def _say(self, line: str) -> None:
        if not self._quiet:
            say(line)


def verdict_text(found: Confirmation) -> str:
    """`confirmed: +30.1 % worse [29.0 %, 31.2 %], p = 1e-09, 6 pairs`."""
    parts = [str(found.verdict)]
    if interval := interval_text(found.low, found.high):
        word = "worse" if found.is_worse else "better"
        parts.append(
            f"{change_text(found.ratio)} ({word}) {interval}, "
            f"p = {found.p:.1g}, {len(found.pairs)} pairs"
        )
    if found.reason:
        parts.append(found.reason)
    return ": ".join(parts)
