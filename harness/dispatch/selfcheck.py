"""Compares a cell with itself, by the same rules that compare two cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from harness.analyse.selfcheck import Comparison
from harness.dispatch.campaign import Campaign, CellDone, Event, RoundDone, against_baseline
from harness.domain.cell import Cell
from harness.domain.result import Round, Status
from harness.errors import HarnessError
from harness.plan.plan import Action, Planned
from harness.scenarios import registry as scenarios
from harness.spec.settings import Limits, Measure


def trials(
    cell: Cell,
    count: int,
    effort: Measure,
    measured: Callable[[Campaign], Iterator[Event]],
) -> Iterator[Comparison]:
    """Runs `count` trials. Each is a campaign of the cell as baseline and a copy of the cell."""
    base = Planned(
        cell=cell,
        action=Action.MEASURE,
        reason="compared with itself",
        measure=effort,
        limits=Limits(),
        specs=(),
        baseline=cell.id,
    )
    copy = replace(base, copy=1)
    for number in range(count):
        campaign = Campaign([base, copy], {}, effort.seed + number)
        yield _trial(base, copy, measured(campaign))


def _trial(base: Planned, copy: Planned, events: Iterator[Event]) -> Comparison:
    rounds: dict[str, list[Round]] = {base.key: [], copy.key: []}
    metric = scenarios[base.cell.scenario.name].headline
    sides = []
    for event in events:
        if isinstance(event, RoundDone):
            rounds[event.item.key].append(event.round)
        elif event.status is Status.OK:
            sides.append(event.metrics[metric])
        else:
            raise HarnessError(_failure(event))
    ratio = against_baseline(copy, rounds)
    assert ratio is not None, "both sides ended well"
    values = tuple(done.values[metric] for side in rounds.values() for done in side)
    return Comparison(ratio, (sides[0], sides[1]), values)


def _failure(end: CellDone) -> str:
    return f"the self-check cannot go on: {end.item.cell}: {end.status}: {end.reason}"
