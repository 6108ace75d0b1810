"""The order of rounds over cells, and when a cell is done."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness import scenarios
from harness.analyse.stats import relative_half_width
from harness.domain.metric import Estimate
from harness.domain.result import Round, Status, StopRule
from harness.execute.summary import estimates
from harness.spec.plan import Planned


@dataclass(frozen=True)
class RoundDone:
    """A round has been measured."""

    item: Planned
    round: Round


@dataclass(frozen=True)
class CellDone:
    """A cell needs no further round."""

    item: Planned
    status: Status
    reason: str = ""
    detail: str = ""
    stop_rule: StopRule | None = None
    metrics: Mapping[str, Estimate] = field(default_factory=dict)


Event = RoundDone | CellDone


def campaign(
    items: Sequence[Planned],
    earlier: Mapping[str, Sequence[Round]],
    measure: Callable[[Planned, int], Round],
    seed: int,
) -> Iterator[Event]:
    """Measure the cells round by round, telling each round and each finished cell.

    A pass gives every unfinished cell one round, in an order shuffled anew: so drift of the
    machine, and whatever else runs on it, hits all cells alike. `earlier` holds the rounds
    that a cut-short run left, by cell id.
    """
    order = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
    rounds = {item.cell.id: list(earlier.get(item.cell.id, ())) for item in items}
    open_items = list(items)
    while open_items:
        order.shuffle(open_items)
        for item in list(open_items):
            done = rounds[item.cell.id]
            end = conclusion(item, done)
            if end is None:
                done.append(measure(item, len(done)))
                yield RoundDone(item, done[-1])
                end = conclusion(item, done)
            if end is not None:
                open_items.remove(item)
                yield end


def conclusion(item: Planned, rounds: Sequence[Round]) -> CellDone | None:
    """How the cell ends after these rounds; None while it wants another.

    A round that did not end well ends its cell: the same would happen again. Else the asked
    number of rounds is always done; further ones follow until the headline metric's interval
    is as narrow as asked, the time box ends, or the most rounds are done.
    """
    bad = next((one for one in rounds if one.status is not Status.OK), None)
    if bad is not None:
        return CellDone(item, bad.status, bad.reason, bad.detail)
    rule = _stop_rule(item, rounds)
    if rule is None:
        return None
    return CellDone(item, Status.OK, stop_rule=rule, metrics=estimates(rounds))


def _stop_rule(item: Planned, rounds: Sequence[Round]) -> StopRule | None:
    effort = item.measure
    if len(rounds) < effort.rounds:
        return None
    headline = scenarios.registry[item.cell.scenario.name].headline
    width = relative_half_width(estimates(rounds)[headline])
    if width is not None and width <= effort.target_ci:
        return StopRule.TARGET
    if len(rounds) >= effort.max_rounds:
        return StopRule.ROUNDS
    if sum(one.seconds for one in rounds) >= effort.max_time:
        return StopRule.TIME_BOX
    return None
