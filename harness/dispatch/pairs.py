"""Pairs of rounds at two commits, in random order, until the evidence suffices. Pure."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness import scenarios
from harness.analyse.confirm import LOOKS, Evidence, evidence, order
from harness.dispatch.campaign import NextRound
from harness.dispatch.summary import valued, with_headline
from harness.domain.night import Pair, Role, Verdict
from harness.domain.result import Round, Status
from harness.plan.plan import Planned


@dataclass(frozen=True)
class Side:
    """What a round of a pair measures: a build of the subject, perhaps slowed as a control."""

    build: str  # the sha of its commit
    slowed: float = 0.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """A cell to be compared between two builds."""

    role: Role
    item: Planned
    base: Side
    head: Side

    @property
    def metric(self) -> str:
        """The metric that is compared: the scenario's headline."""
        return scenarios.registry[self.item.cell.scenario.name].headline


@dataclass(frozen=True)
class SideDone:
    """A round has been measured; `head` says on which side."""

    comparison: Comparison
    head: bool
    item: Planned
    round: Round


@dataclass(frozen=True)
class Compared:
    """A comparison needs no further pair."""

    comparison: Comparison
    verdict: Verdict
    reason: str
    pairs: tuple[Pair, ...]
    evidence: Evidence | None  # None with too few pairs


PairEvent = SideDone | Compared
# Judges the pairs so far, given how many comparisons are tested together: the verdict and its
# reason, or None if more pairs are needed.
Judge = Callable[[Sequence[Pair], int], tuple[Verdict, str] | None]


def by_evidence(pairs: Sequence[Pair], tested: int) -> tuple[Verdict, str] | None:
    """Judges whether the pairs prove a change."""
    if len(pairs) not in LOOKS:
        return None
    found = evidence(pairs, tested)
    return (found.verdict, found.reason) if found.verdict else None


@dataclass
class _State:
    """A comparison and what it has measured."""

    comparison: Comparison
    items: Mapping[bool, Planned]  # by whether it is the head
    head_first: Sequence[bool]
    pairs: list[Pair] = field(default_factory=list)
    half: dict[bool, float] = field(default_factory=dict)  # the pair in flight

    @property
    def leads(self) -> bool:
        """True if the head is measured first in the next pair."""
        return self.head_first[len(self.pairs)]


class Pairs:
    """Decides which round runs next. It has the interface of a campaign.

    Each pass measures one pair of every open comparison, the comparisons in random order, so that
    the controls see the same conditions as the suspects. `is_over` is asked before each pass.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        seed: int,
        is_over: Callable[[], bool],
        judge: Judge = by_evidence,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
        self._is_over, self._judged_by = is_over, judge
        self._open = [self._state(number, one) for number, one in enumerate(comparisons)]
        self._tested = sum(one.role in {Role.SUSPECT, Role.REQUESTED} for one in comparisons)
        self._by_key = {
            item.key: (state, head) for state in self._open for head, item in state.items.items()
        }
        self._queue: deque[NextRound] = deque()
        self._in_flight = 0
        self._events: list[PairEvent] = []

    def next(self) -> NextRound | None:
        """The next round, or None: a pass is in flight, or every comparison is done."""
        if not self._queue and not self._in_flight:
            self._begin_pass()
        if not self._queue:
            return None
        self._in_flight += 1
        return self._queue.popleft()

    def take(self, wanted: NextRound, measured: Round) -> None:
        """Records a measured round."""
        self._in_flight -= 1
        state, head = self._by_key[wanted.item.key]
        metric = state.comparison.metric
        done = with_headline(valued(measured), metric)
        self._events.append(SideDone(state.comparison, head, wanted.item, done))
        if state not in self._open:
            return
        if done.status is not Status.OK:
            side = "head" if head else "base"
            self._close(state, Verdict.FAILED, f"{side}: {done.status}: {done.reason}")
            return
        state.half[head] = done.values[metric]
        if len(state.half) == 2:
            leads = state.leads
            state.pairs.append(Pair(leads, state.half.pop(False), state.half.pop(True)))
            self._judge(state)

    def side_of(self, item: Planned) -> Side:
        """The side that the item of a round measures."""
        state, head = self._by_key[item.key]
        return state.comparison.head if head else state.comparison.base

    def drop(self, wanted: NextRound) -> None:
        """Takes back a round that the budget cut off: its comparison ends."""
        self._in_flight -= 1
        state, _ = self._by_key[wanted.item.key]
        if state in self._open:
            reason = f"the time was over after {len(state.pairs)} pairs"
            self._close(state, Verdict.INCONCLUSIVE, reason)

    def events(self) -> list[PairEvent]:
        """The events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def _state(self, number: int, one: Comparison) -> _State:
        items = {
            head: replace(one.item, copy=2 * number + 1 + head, baseline=None)
            for head in (False, True)
        }
        return _State(one, items, order(self._random))

    def _begin_pass(self) -> None:
        if self._open and self._is_over():
            for state in list(self._open):
                count = len(state.pairs)
                reason = f"the time was over after {count} pairs"
                self._close(state, Verdict.INCONCLUSIVE, reason)
        self._random.shuffle(self._open)
        for state in self._open:
            for head in (state.leads, not state.leads):
                self._queue.append(NextRound(state.items[head], len(state.pairs)))

    def _judge(self, state: _State) -> None:
        if (found := self._judged_by(state.pairs, max(self._tested, 1))) is not None:
            self._close(state, *found)

    def _close(self, state: _State, verdict: Verdict, reason: str) -> None:
        self._open.remove(state)
        self._queue = deque(one for one in self._queue if one.item not in state.items.values())
        pairs = tuple(state.pairs)
        enough = verdict is not Verdict.FAILED and len(pairs) >= LOOKS[0]
        found = evidence(pairs, max(self._tested, 1)) if enough else None
        self._events.append(Compared(state.comparison, verdict, reason, pairs, found))
