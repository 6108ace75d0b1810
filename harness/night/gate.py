"""`harness gate`: compares two commits by pairs of rounds, beside the controls of a night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness import pipeline
from harness.analyse.confirm import hold, void_reason
from harness.dispatch.pairs import Comparison
from harness.domain.night import Confirmation, Kind, Night, NightState, Role, Verdict
from harness.domain.run import Commit
from harness.errors import UsageError
from harness.host.machine import this_host
from harness.night.beginning import begun
from harness.night.lock import locked
from harness.night.measuring import PairWatcher, compare, sides
from harness.night.nightly import controls, deadline, speed_only
from harness.night.subjects import Subject, recalled, specs_of, subject_of
from harness.plan.plan import Action, Planned
from harness.store import Store


@dataclass(frozen=True)
class GateOutcome:
    """What a gate found."""

    night: Night
    skipped: Mapping[str, str]  # why cells were not compared, by the cell's text

    @property
    def requested(self) -> list[Confirmation]:
        """The comparisons that were asked for, without the controls."""
        return [one for one in self.night.confirmations if one.role is Role.REQUESTED]

    @property
    def regressions(self) -> list[Confirmation]:
        """The confirmed changes for the worse; none if a control failed."""
        if self.night.state is NightState.VOID:
            return []
        return [one for one in self.requested if one.verdict is Verdict.CONFIRMED and one.is_worse]

    @property
    def failed(self) -> int:
        """How many cells could not be measured on both sides."""
        return sum(one.verdict is Verdict.FAILED for one in self.requested)


def gate(
    request: pipeline.Request, base_name: str, head_name: str, watcher: PairWatcher
) -> GateOutcome:
    """Compares every cell of the specs between the two commits. Raises BuildError."""
    is_over = deadline(request.within)
    request = recalled(request)
    specs = specs_of(request)
    subject = subject_of(request, specs)
    with locked(request.command):
        base, head = _commits(subject, base_name, head_name)
        watcher.building(base)
        old = subject.build(base)
        watcher.building(head)
        new = subject.build(head)
        prepared = pipeline.prepare(replace(request, build=new, fresh=True, within=None))
        items = [speed_only(item) for item in prepared.plan.of(Action.MEASURE)]
        asked = [Comparison(Role.REQUESTED, item, *sides(old, new)) for item in items]
        if not asked:
            raise UsageError("no cell of these specs can be measured here")
        comparisons = [*asked, *controls(asked, (), new, seed=0)]

        with Store(request.db) as store:
            night = begun(store, Kind.GATE, request, specs, new, this_host())
            builds = {base.sha: old, head.sha: new}
            found = hold(
                list(compare(store, night, comparisons, builds, prepared, watcher, is_over))
            )
            reason = void_reason(found)
            for one in found:
                store.save_confirmation(night, one)
            state = NightState.VOID if reason else NightState.DONE
            store.finish_night(night, state, reason)
    skipped = _skipped(prepared.plan.of(Action.SKIP))
    done = replace(night, state=state, reason=reason, confirmations=tuple(found))
    return GateOutcome(done, skipped)


def _commits(subject: Subject, base_name: str, head_name: str) -> tuple[Commit, Commit]:
    base, head = subject.source.commit(base_name), subject.source.commit(head_name)
    if base.sha == head.sha:
        raise UsageError(f"{base_name} and {head_name} are the same commit, {base}")
    return base, head


def _skipped(items: Sequence[Planned]) -> Mapping[str, str]:
    return {str(item.cell): f"{item.status}: {item.reason}" for item in items}
