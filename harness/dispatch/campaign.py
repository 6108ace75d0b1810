"""The order of rounds over cells, and when a cell is done: a state machine without effects."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness import scenarios
from harness.analyse.compare import Speedup, measured, speedup
from harness.analyse.interference import kept_apart, undisturbed
from harness.analyse.stats import ENOUGH, relative_half_width
from harness.dispatch.priority import Open, Priority, Rounds
from harness.dispatch.summary import estimate, estimates, valued, with_headline
from harness.domain.metric import Estimate
from harness.domain.result import Round, Status, StopRule
from harness.plan.plan import Planned


@dataclass(frozen=True)
class RoundDone:
    """A round has been measured."""

    item: Planned
    round: Round


@dataclass(frozen=True)
class CellDone:
    """A cell gets no further round in this run.

    Its status is `measuring` if the run's budget ended before its first round.
    """

    item: Planned
    status: Status
    reason: str = ""
    detail: str = ""
    stop_rule: StopRule | None = None
    metrics: Mapping[str, Estimate] = field(default_factory=dict)
    disturbed: str = ""  # how many of its rounds were disturbed, and whether they count


Event = RoundDone | CellDone

_TOO_LONG = "a round took longer than the budget allows"


@dataclass(frozen=True)
class NextRound:
    """A round that may be measured now."""

    item: Planned
    index: int


@dataclass
class _Family:
    """A baseline and the cells compared with it, in one pass."""

    items: list[Planned]
    waiting: set[str]  # keys of the items whose round is not in yet


class Campaign:
    """Decides which round may run next and when a cell is done. Pure: it runs nothing itself.

    Each pass gives every open cell one round, in a new random order, so that drift of the machine
    and interference hit all cells alike. A baseline and the cells compared with it stay together.
    The baseline keeps being measured while any of these cells is open and its own `max_rounds`
    allows, so that each of their rounds has a baseline round near it in time. The rounds in
    `earlier`, from an interrupted run, count: a baseline with many of them may reach its maximum
    before the other cells are done.

    With a `priority`, which knows the run's budget, a pass holds only rounds that the budget pays
    for, those of the greatest value first: one spec's turn, unless a round of every cell fits.
    Once no further round fits, every cell that is not done ends with the rounds that it has.

    The caller may take a round while others are in flight, and return rounds in any order. The
    next pass begins once all rounds of this pass are in.
    """

    def __init__(
        self,
        items: Sequence[Planned],
        earlier: Rounds,
        seed: int,
        priority: Priority | None = None,
    ) -> None:
        self._order = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
        self._rounds = {item.key: list(earlier.get(item.key, ())) for item in items}
        self._left = {item.key: item for item in items}
        self._priority = priority
        self._queue: deque[Planned] = deque()  # items not begun in this pass
        self._begun: list[_Family] = []
        self._events: list[Event] = []

    def next(self) -> NextRound | None:
        """The next round, or None: all rounds of the pass are in flight, or every cell is done."""
        while True:
            while self._queue:
                item = self._queue.popleft()
                if self._priority is None or self._priority.may_begin(item, self._rounds):
                    return NextRound(item, len(self._rounds[item.key]))
                self._settle(item)
            if self._begun or not self._left:
                return None
            self._begin_pass()

    def take(self, wanted: NextRound, measured: Round) -> None:
        """Records a measured round."""
        item = wanted.item
        done = with_headline(valued(measured), _headline_name(item))
        self._rounds[item.key].append(done)
        self._events.append(RoundDone(item, done))
        if self._priority is not None and wanted.index == item.rounds_done:
            self._priority.learn(item, done)
        self._settle(item)

    def drop(self, wanted: NextRound) -> None:
        """Forgets a round that the budget cut short. Its cell gets no further round."""
        item = wanted.item
        del self._left[item.key]
        self._events.append(_cut_short(item, self._rounds[item.key], _TOO_LONG))
        self._settle(item)

    def events(self) -> list[Event]:
        """The events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def _begin_pass(self) -> None:
        """Queues the rounds of a pass. Ends all cells if the budget pays for none."""
        families = _shuffled(self._left.values(), self._order)
        for family in families:
            self._close(family)
        chosen = self._chosen(families)
        self._queue.extend(chosen)
        keys = {item.key for item in chosen}
        for family in families:
            if waiting := keys & {item.key for item in family}:
                self._begun.append(_Family(family, waiting))
        if not chosen:
            self._end()

    def _chosen(self, families: Sequence[Sequence[Planned]]) -> list[Planned]:
        """The cells that get a round in this pass, in order."""
        opened = [_open(family, self._rounds) for family in families]
        if self._priority is None:
            return [item for family in opened for item in family]
        return self._priority.chosen([self._wanting(family) for family in opened], self._rounds)

    def _wanting(self, family: Sequence[Planned]) -> Open:
        keys = frozenset(item.key for item in family if wants_round(item, self._rounds))
        return Open(tuple(family), keys)

    def _settle(self, item: Planned) -> None:
        """Closes the item's family if no other round of its pass is outstanding."""
        family = next(family for family in self._begun if item.key in family.waiting)
        family.waiting.discard(item.key)
        if not family.waiting:
            self._begun.remove(family)
            self._close(family.items)

    def _end(self) -> None:
        """Ends all cells that are left, as the budget has."""
        self._events += [_cut_short(item, self._rounds[item.key]) for item in self._left.values()]
        self._left.clear()

    def _close(self, family: Sequence[Planned]) -> None:
        still = {item.key for item in _open(family, self._rounds)}
        for item in family:
            if item.key in self._left and item.key not in still:
                del self._left[item.key]
                self._events.append(_closed(item, self._rounds))


def first_pass(items: Sequence[Planned], priority: Priority) -> list[Planned]:
    """The cells without any round that the budget pays for, in order."""
    rounds: Rounds = {item.key: () for item in items}
    families = _shuffled(items, random.Random(0))  # noqa: S311 - a shuffle, not a secret
    opened = [Open(tuple(one), frozenset(item.key for item in one)) for one in families]
    return priority.forecast(opened, rounds)


def _shuffled(items: Iterable[Planned], order: random.Random) -> list[list[Planned]]:
    """Each baseline with the cells compared with it; both levels in random order."""
    families: dict[str, list[Planned]] = {}
    for item in items:
        families.setdefault(item.baseline or item.key, []).append(item)
    for family in families.values():
        order.shuffle(family)
    shuffled = list(families.values())
    order.shuffle(shuffled)
    return shuffled


def _open(family: Sequence[Planned], rounds: Rounds) -> list[Planned]:
    """The cells that take part in a pass: all that want a round, and their baseline."""
    wanting = {item.key: item.baseline for item in family if wants_round(item, rounds)}
    baselines = set(wanting.values())
    return [
        item
        for item in family
        if item.key in wanting or (item.key in baselines and _may_go_on(item, rounds[item.key]))
    ]


def _may_go_on(item: Planned, rounds: Sequence[Round]) -> bool:
    """True unless a round ended badly or `max_rounds` is reached."""
    return _bad(rounds) is None and len(rounds) < item.measure.max_rounds


def wants_round(item: Planned, rounds: Rounds) -> bool:
    """True if the cell itself needs another round, whether or not it serves as a baseline."""
    return _bad(rounds[item.key]) is None and stop_rule(item, rounds) is None


def stop_rule(item: Planned, rounds: Rounds) -> StopRule | None:
    """The rule that ends a cell whose rounds all went well. None while it needs another round.

    `rounds` rounds always run. More follow until the first of these holds: the target is met,
    the time box ends, or `max_rounds` are done. To meet the target, a cell needs as many
    undisturbed rounds, ENOUGH at least, and a narrow interval of its headline metric and, if it
    has a baseline, of its speed-up.
    """
    effort, ours = item.measure, rounds[item.key]
    if len(ours) < effort.rounds:
        return None
    wanted = max(effort.rounds, ENOUGH)
    if len(undisturbed(ours)) >= wanted and _is_narrow(item, rounds):
        return StopRule.TARGET
    if len(ours) >= effort.max_rounds:
        return StopRule.ROUNDS
    if sum(done.seconds for done in ours) >= effort.max_time:
        return StopRule.TIME_BOX
    return None


def _is_narrow(item: Planned, rounds: Rounds) -> bool:
    ratio = against_baseline(item, rounds)
    estimated = [_headline(item, rounds[item.key])] + ([ratio.estimate] if ratio else [])
    widths = [relative_half_width(value) for value in estimated]
    return all(width is not None and width <= item.measure.target_ci for width in widths)


def against_baseline(item: Planned, rounds: Rounds) -> Speedup | None:
    """The speed-up so far. None for a baseline, and while the baseline has no good rounds."""
    theirs = rounds.get(item.baseline or "", ())
    if item.baseline in {None, item.key} or not theirs or _bad(theirs) is not None:
        return None
    metric = _headline_name(item)
    ours = rounds[item.key]
    return speedup(
        measured(_headline(item, ours), metric, ours),
        measured(_headline(item, theirs), metric, theirs),
    )


def _headline(item: Planned, rounds: Sequence[Round]) -> Estimate:
    headline = estimate(_headline_name(item), rounds)
    assert headline is not None, "a scenario measures its own headline metric"
    return headline


def _headline_name(item: Planned) -> str:
    return scenarios.registry[item.cell.scenario.name].headline


def _bad(rounds: Sequence[Round]) -> Round | None:
    """The round that ended badly, and so ended its cell: another round would end the same way."""
    return next((done for done in rounds if done.status is not Status.OK), None)


def _closed(item: Planned, rounds: Rounds) -> CellDone:
    ours = rounds[item.key]
    bad = _bad(ours)
    if bad is not None:
        return CellDone(item, bad.status, bad.reason, bad.detail)
    return _measured(item, ours, stop_rule(item, rounds))


def _cut_short(item: Planned, rounds: Sequence[Round], reason: str = "") -> CellDone:
    """The end of a cell whose next round the budget does not pay for."""
    if not rounds:
        return CellDone(item, Status.MEASURING, reason)
    return _measured(item, rounds, StopRule.BUDGET)


def _measured(item: Planned, rounds: Sequence[Round], rule: StopRule | None) -> CellDone:
    return CellDone(
        item,
        Status.OK,
        stop_rule=rule,
        metrics=estimates(rounds),
        disturbed=kept_apart(rounds),
    )
