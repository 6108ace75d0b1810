"""Measures comparisons by pairs of rounds, and stores every round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness import pipeline
from harness.dispatch.artifacts import Artifacts, Step
from harness.dispatch.campaign import CellDone
from harness.dispatch.drive import Steps, drive
from harness.dispatch.local import LocalDispatcher
from harness.dispatch.pairs import Compared, Comparison, Judge, Pairs, Side, SideDone, by_evidence
from harness.dispatch.run import Prepared, bounds_of, close, job_of, trained_files
from harness.dispatch.summary import estimates
from harness.domain.night import Confirmation, Night
from harness.domain.result import Round, Status
from harness.domain.run import Commit, Run
from harness.domain.text import abridged
from harness.metrics import registry as metrics
from harness.plan.plan import Planned
from harness.store import Store
from harness.subject.builds import Build


class PairWatcher(Protocol):
    """Follows the progress of comparisons."""

    def building(self, commit: Commit) -> None:
        """A commit is being installed."""

    def comparing(self, comparisons: Sequence[Comparison]) -> None:
        """Measuring pairs starts."""

    def training(self, step: Step) -> None:
        """Training of a reference model has done a step."""

    def pair(self, event: SideDone) -> None:
        """A round of a pair is done."""

    def compared(self, found: Confirmation) -> None:
        """A comparison is done."""


@dataclass
class _Rounds:
    """The stored rounds of one side of a comparison."""

    result: int
    keys: list[int] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)


def compare(
    store: Store,
    night: Night,
    comparisons: Sequence[Comparison],
    builds: Mapping[str, Build],
    prepared: Prepared,
    watcher: PairWatcher,
    is_over: Callable[[], bool] = lambda: False,
    judge: Judge = by_evidence,
) -> Iterator[Confirmation]:
    """Measures the comparisons side by side; yields what each shows. Saves the rounds only."""
    watcher.comparing(comparisons)
    models = Artifacts()
    items = [one.item for one in comparisons]
    with ExitStack() as stack:
        stack.enter_context(models)
        trained = trained_files(items, prepared, models, watcher.training)
        dispatcher = stack.enter_context(LocalDispatcher(models.located, builds=builds))
        pairs = Pairs(comparisons, night.id or 0, is_over, judge)

        def steps(item: Planned, index: int) -> Steps:
            side = pairs.side_of(item)
            if reason := trained.failures.get(item.cell.model):
                return Round(index, Status.FAILED, reason)
            # Only the first round of a cell is inspected, and pairs need no inspection.
            job = replace(job_of(item, index, trained.files), quality=False, index=index + 1)
            job = replace(job, build=side.build, slowed=side.slowed)
            return (yield from models.steps(item, job, lambda _: None))

        runs: dict[str, Run] = {}
        kept: dict[tuple[Comparison, bool], _Rounds] = {}
        for event in drive(pairs, dispatcher, steps, lambda one: bounds_of(one, prepared.host)):
            if isinstance(event, SideDone):
                side = event.comparison.head if event.head else event.comparison.base
                if side.build not in runs:
                    runs[side.build] = store.begin(_run(night, builds[side.build], prepared))
                _save(store, runs[side.build], event, kept)
                watcher.pair(event)
            else:
                found = _confirmation(event, builds, kept)
                _finish(store, event, kept)
                watcher.compared(found)
                yield found
        for run in runs.values():
            store.finish(run)


def _run(night: Night, build: Build, prepared: Prepared) -> Run:
    """The run that measures one side's rounds."""
    here = replace(prepared, commit=build.commit, environment=build.environment)
    return replace(pipeline.run_of(here, night.command), night=night.id)


def _save(
    store: Store, run: Run, event: SideDone, kept: dict[tuple[Comparison, bool], _Rounds]
) -> None:
    key = (event.comparison, event.head)
    if key not in kept:
        kept[key] = _Rounds(store.open_result(run, event.item.cell, None, adopt=None))
    ours = kept[key]
    ours.keys.append(store.save_round(ours.result, run, event.round))
    ours.rounds.append(event.round)


def _finish(store: Store, event: Compared, kept: Mapping[tuple[Comparison, bool], _Rounds]) -> None:
    for head in (False, True):
        ours = kept.get((event.comparison, head))
        if ours is None:
            continue
        bad = next((one for one in ours.rounds if one.status is not Status.OK), None)
        end = (
            CellDone(event.comparison.item, bad.status, bad.reason, bad.detail)
            if bad
            else CellDone(event.comparison.item, Status.OK, metrics=estimates(ours.rounds))
        )
        close(store, ours.result, end)


def _confirmation(
    event: Compared,
    builds: Mapping[str, Build],
    kept: Mapping[tuple[Comparison, bool], _Rounds],
) -> Confirmation:
    comparison, found = event.comparison, event.evidence
    metric = metrics[comparison.metric]()
    keys = [kept[comparison, head].keys if event.pairs else () for head in (False, True)]
    pairs = tuple(
        replace(pair, base_round=base, head_round=head)
        for pair, base, head in zip(event.pairs, *keys, strict=False)
    )
    return Confirmation(
        role=comparison.role,
        cell=comparison.item.cell,
        metric=comparison.metric,
        unit=metric.unit,
        direction=metric.direction,
        base=builds[comparison.base.build].commit,
        head=builds[comparison.head.build].commit,
        verdict=event.verdict,
        reason=abridged(event.reason, 500),
        pairs=pairs,
        ratio=found.ratio if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        p=found.p if found else None,
    )


def sides(base: Build, head: Build, slowed: float = 0.0) -> tuple[Side, Side]:
    """The two sides of a comparison of two builds, the head's slowed by a share."""
    return Side(base.commit.sha), Side(head.commit.sha, slowed)
