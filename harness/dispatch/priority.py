"""Which rounds a budget pays for, and in which order: those of the greatest value first.

Cells without any round come first, then those below the fewest rounds of their specs, then all
others. Among them, cells that were never measured on this host come first, then those measured
the longest ago, then those with the widest interval, then the cheapest. Specs take turns, so that
each gets its share, and a baseline stays together with the cells compared with it.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from statistics import fmean, median
from typing import TypeAlias

from harness import scenarios
from harness.analyse.stats import relative_half_width
from harness.dispatch.budget import Budget
from harness.dispatch.summary import estimate
from harness.domain.metric import Estimate
from harness.domain.result import Latest, Round
from harness.plan.plan import Planned

Rounds: TypeAlias = Mapping[str, Sequence[Round]]  # by the key of the planned cell
# The smaller comes first: rounds done, measured before, when, minus the interval's width.
Worth: TypeAlias = tuple[int, bool, float, float]


@dataclass(frozen=True)
class Open:
    """A baseline and the cells compared with it, as far as they take part in a pass."""

    items: tuple[Planned, ...]
    wanting: frozenset[str]  # keys of the cells that want a round for themselves


@dataclass
class Priority:
    """Chooses the rounds of a run with a budget. `latest` is by cell id."""

    budget: Budget
    latest: Mapping[str, Latest] = field(default_factory=dict)
    _had: Counter[str] = field(default_factory=Counter)  # each spec's turns at the lowest level
    _lowest: int = 0
    _reserved: float = -math.inf  # seconds of the budget that the turn leaves to the others
    # Rounds of cells that this host never measured: their seconds over the expected seconds.
    _paces: list[float] = field(default_factory=list)
    _pace: float = 1.0
    # No round is expected to fit any more. One may still, if it takes the least it can.
    _hopes: bool = False

    def seconds(self, item: Planned, rounds: Rounds) -> float:
        """The time that the cell's next round is expected to take.

        It is the mean of the cell's earlier rounds. A cell without any takes what the plan
        expects, corrected by how long other such cells took in this run.
        """
        ours, expected = rounds[item.key], item.expected
        pace = 1.0 if item.cell.id in self.latest else self._pace
        once = pace * expected.once.middle if expected and _is_first(item, rounds) else 0.0
        if ours:
            return once + fmean(done.seconds for done in ours)
        return once + (pace * expected.round.middle if expected else 0.0)

    def least(self, item: Planned, rounds: Rounds) -> float:
        """The least time that the cell's next round may take."""
        ours, expected = rounds[item.key], item.expected
        once = expected.once.low if expected and _is_first(item, rounds) else 0.0
        if ours:
            return once + min(done.seconds for done in ours)
        return once + (expected.round.low if expected else 0.0)

    def fits(self, item: Planned, rounds: Rounds) -> bool:
        """True if the cell's next round may begin."""
        return self.budget.fits((self.least if self._hopes else self.seconds)(item, rounds))

    def may_begin(self, item: Planned, rounds: Rounds) -> bool:
        """True if the chosen cell's round may begin now.

        False also once the turn has taken its time, whatever the plan expected of its cells: a
        later turn goes on with them.
        """
        return self.budget.left >= self._reserved and self.fits(item, rounds)

    def learn(self, item: Planned, measured: Round) -> None:
        """Compares a round with its expected time, if nothing but the plan knew it."""
        if item.cell.id not in self.latest and item.expected and item.expected.round.middle > 0:
            self._paces.append(measured.seconds / item.expected.round.middle)
            self._pace = median(self._paces)

    def chosen(self, families: Iterable[Open], rounds: Rounds) -> list[Planned]:
        """The cells that get a round next, in order. None if no round fits.

        If a round of each fits into the budget, all of them in the order of the families.
        Otherwise one spec's turn, so that the next spec gets its share of the time that is
        really left then.
        """
        self._hopes = False
        opened = list(families)
        turn = next(self._turns(opened, rounds), None)
        self._reserved = self.budget.left - turn.seconds if turn else -math.inf
        return turn.items if turn else self._attempt(opened, rounds)

    def forecast(self, families: Iterable[Open], rounds: Rounds) -> list[Planned]:
        """The cells that get a round if each takes as long as expected, in order."""
        turns = self._turns(list(families), rounds)
        return list(chain.from_iterable(turn.items for turn in turns))

    def _attempt(self, opened: Sequence[Open], rounds: Rounds) -> list[Planned]:
        """The cell whose round is the likeliest to fit, although it is not expected to.

        Nothing else would use the time, and the end of the budget cuts the round.
        """
        self._hopes = True
        wanting = [one for family in opened for one in family.items if one.key in family.wanting]
        hopeful = [item for item in wanting if self.fits(item, rounds)]
        return sorted(hopeful, key=lambda item: self.least(item, rounds))[:1]

    def _turns(self, opened: Sequence[Open], rounds: Rounds) -> Iterator[_Turn]:
        """The cells that want a round and fit, turn by turn; all at once if they fit together."""
        fitting = {
            item.key: _level(item, rounds)
            for family in opened
            for item in family.items
            if item.key in family.wanting and self.fits(item, rounds)
        }
        lowest = min(fitting.values(), default=0)
        if lowest != self._lowest:
            self._lowest = lowest
            self._had.clear()
        keys = {key for key, level in fitting.items() if level == lowest}
        parts = [part for family in opened if (part := self._part(family, keys, rounds))]
        everything = list(chain.from_iterable(parts))
        costs = {one.key: self.seconds(one, rounds) for one in everything}
        if sum(costs.values()) <= self.budget.left:
            if everything:
                yield _Turn(everything, math.inf)
            return
        worths = {one.key: self._worth(one, rounds) for one in everything}
        ranked = [_Part(part, keys, costs, worths) for part in parts]
        yield from _turns(ranked, self.budget.left, self._had)

    def _part(self, family: Open, keys: set[str], rounds: Rounds) -> list[Planned]:
        """The family's cells with these keys, and their baseline."""
        baselines = {item.baseline for item in family.items if item.key in keys}
        return [
            item
            for item in family.items
            if item.key in keys or (item.key in baselines and self.fits(item, rounds))
        ]

    def _worth(self, item: Planned, rounds: Rounds) -> Worth:
        ours = rounds[item.key]
        name = scenarios.registry[item.cell.scenario.name].headline
        if _level(item, rounds) == _ENOUGH:
            return (0, True, 0.0, -_width(estimate(name, ours)))
        latest = self.latest.get(item.cell.id)
        if latest is None:
            return (len(ours), False, 0.0, 0.0)
        width = _width(latest.metrics.get(name))
        return (len(ours), True, latest.started.timestamp(), -width)


_ENOUGH = 2


def _is_first(item: Planned, rounds: Rounds) -> bool:
    """True for the cell's first round in this run, which prepares its model."""
    return len(rounds[item.key]) <= item.rounds_done


def _level(item: Planned, rounds: Rounds) -> int:
    """0 without a round, 1 below the fewest rounds of the specs, 2 from there on."""
    done = len(rounds[item.key])
    if not done:
        return 0
    return 1 if done < item.measure.rounds else _ENOUGH


def _width(found: Estimate | None) -> float:
    """The relative half-width of the interval. Infinite without an interval."""
    width = relative_half_width(found) if found else None
    return math.inf if width is None else width


@dataclass(frozen=True)
class _Turn:
    """Cells that get a round one after the other, and the seconds that they may take together."""

    items: list[Planned]
    seconds: float


class _Part:
    """What is left of a family in a pass: first its baseline, then the others by their worth."""

    def __init__(
        self,
        items: Sequence[Planned],
        wanting: set[str],
        costs: Mapping[str, float],
        worths: Mapping[str, Worth],
    ) -> None:
        self.costs = costs

        def place(item: Planned) -> tuple[bool, Worth, float]:
            return (item.key != item.baseline, worths[item.key], costs[item.key])

        self.items = deque(sorted(items, key=place))
        self.specs = tuple(dict.fromkeys(spec for item in items for spec in item.specs)) or ("",)
        worth = min(worths[item.key] for item in items if item.key in wanting)
        self.place = (worth, sum(costs[item.key] for item in items))

    def take(self, seconds: float) -> list[Planned]:
        """The next cells that take so long: one at least, beside the baseline."""
        taken: list[Planned] = []
        spent = 0.0
        while self.items:
            item = self.items[0]
            spent += self.costs[item.key]
            if spent > seconds and any(one.key != one.baseline for one in taken):
                break
            taken.append(self.items.popleft())
        return taken


def _turns(parts: Sequence[_Part], left: float, had: Counter[str]) -> Iterator[_Turn]:
    """The specs take turns. A turn is a family, or the part of it that fits the spec's share.

    `left` is in seconds, `had` counts each spec's turns and goes on counting them.
    """
    queues: dict[str, deque[_Part]] = {}
    for part in sorted(parts, key=lambda part: part.place):
        for spec in part.specs:
            queues.setdefault(spec, deque()).append(part)
    while queues:
        spec = min(queues, key=lambda name: had[name])
        while queues[spec] and not queues[spec][0].items:
            queues[spec].popleft()
        if not queues[spec]:
            del queues[spec]
            continue
        part = queues[spec][0]
        due = sum(had[other] == had[spec] for other in queues)  # in this round of turns
        share = max(0.0, left) / due
        taken = part.take(share)
        cost = sum(part.costs[item.key] for item in taken)
        left -= cost
        had.update(part.specs)
        yield _Turn(taken, max(share, cost))
