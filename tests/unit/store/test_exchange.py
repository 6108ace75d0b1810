"""Records carry everything from one database to another, once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.metric import Direction, Estimate
from harness.domain.night import (
    Confirmation,
    Kind,
    Night,
    NightState,
    Pair,
    Role,
    Triage,
    TriageState,
    Verdict,
)
from harness.domain.result import Result, Round, Status, StopRule
from harness.domain.run import Run
from harness.domain.selfcheck import SelfCheck
from harness.errors import StoreError
from harness.store import Store, StoreReader, checked

MakeCell = Callable[..., Cell]
MakeRun = Callable[..., Run]
MakeRound = Callable[..., Round]
WHEN = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """A second database."""
    with Store(Location.file(tmp_path / "other.sqlite")) as opened:
        yield opened


@pytest.fixture
def filled(
    other: Store,
    make_run: MakeRun,
    make_cell: MakeCell,
    make_round: MakeRound,
    metrics: dict[str, Estimate],
) -> Store:
    """The second database, with at least one row in every table."""
    cell, slow = make_cell(), make_cell(precision=Choice("bf16"))
    first = other.begin(make_run())
    adopted = other.open_result(first, cell, slow.id, adopt=None)
    other.save_round(adopted, first, make_round(0))
    # The first run is killed; the second one continues its result.
    second = other.begin(make_run(started=WHEN, pid=77))
    assert other.open_result(second, cell, slow.id, adopt=adopted) == adopted
    head = other.save_round(adopted, second, make_round(1, started=WHEN + timedelta(seconds=9)))
    other.close_result(adopted, Status.OK, stop_rule=StopRule.ROUNDS, metrics=metrics)
    failed = other.open_result(second, slow, None, adopt=None)
    other.close_result(failed, Status.FAILED, "RuntimeError", "Traceback")
    other.finish(second)
    _add_night(other, cell, make_run, make_round, head)
    host, environment = first.host, first.environment
    check = SelfCheck(cell, "latency", 50, 5.0, 0.0, 0.01, 0.02, 0.95, WHEN)
    other.save_selfcheck(host, environment, check)
    ceiling = Ceiling("gemm_fp32", 1e11, "FLOP/s", CeilingKind.MEASURED, "how", 0.25)
    other.save_ceilings(host, environment, "local", [ceiling])
    decision = (cell.id, "latency", host.fingerprint, "a" * 40, TriageState.EXPECTED, "why", "who")
    other.save_triage(Triage(*decision, WHEN))
    return other


def _add_night(
    other: Store, cell: Cell, make_run: MakeRun, make_round: MakeRound, head: int
) -> None:
    """A night with one pair: a round of its own beside one of the history."""
    run = make_run()
    night = other.begin_night(
        Night(
            Kind.NIGHTLY, run.host, run.environment, run.commit, WHEN, run.specs, "harness", pid=9
        )
    )
    pairs = other.begin(make_run(started=WHEN + timedelta(hours=1), pid=9, night=night.id))
    result = other.open_result(pairs, cell, None, adopt=None)
    base = other.save_round(result, pairs, make_round(0, started=WHEN + timedelta(hours=2)))
    verdict = Confirmation(
        *(Role.SUSPECT, cell, "latency", "s", Direction.LOWER, run.commit, run.commit),
        Verdict.CONFIRMED,
        pairs=(Pair(True, 1.0, 1.1, base, head), Pair(False, 1.0, 1.2)),
        ratio=1.1,
    )
    other.save_confirmation(night, verdict)
    other.save_confirmation(night, replace(verdict, role=Role.SAME, pairs=()))
    other.finish_night(night, NightState.DONE)


def moved(source: StoreReader, target: Store) -> Counter[str]:
    """Write all that the source holds into the target, through JSON; what was added."""
    records = [json.loads(json.dumps(source.record(one))) for one in source.units().found]
    added: Counter[str] = Counter()
    for record in records:
        added += target.add(checked(record, "here"))
    return added


def anonymous(found: list[Result]) -> list[Any]:
    """Results without their databases' keys."""
    return [replace(one, id=None, run=replace(one.run, id=None, night=None)) for one in found]


def test_everything_arrives(filled: Store, store: Store) -> None:
    """Every value of every table, though both databases number their rows themselves."""
    store_first = filled.results(newest_only=False, samples=True)
    added = moved(filled, store)
    assert (added["runs"], added["results"], added["rounds"], added["nights"]) == (3, 3, 3, 1)
    assert anonymous(store.results(newest_only=False, samples=True)) == anonymous(store_first)
    assert store.selfchecks() == filled.selfchecks()
    assert store.triage() == filled.triage()
    (ours,), (theirs,) = store.all_ceilings(), filled.all_ceilings()
    assert ours == theirs
    (night,), (original,) = store.nights(), filled.nights()
    assert len(night.confirmations) == 2
    for one, before in zip(night.confirmations, original.confirmations, strict=True):
        unnumbered = [
            [replace(pair, base_round=None, head_round=None) for pair in found.pairs]
            for found in (one, before)
        ]
        assert unnumbered[0] == unnumbered[1]
        assert replace(one, id=None, pairs=()) == replace(before, id=None, pairs=())


def test_pairs_cite_the_same_rounds(
    filled: Store, store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Also if the rounds have other keys, and if one is of the history."""
    unrelated = store.begin(make_run(started=WHEN, pid=1))
    for number in range(5):
        key = store.open_result(unrelated, make_cell(backend=Choice(f"b{number}")), None, None)
        store.save_round(key, unrelated, Round(0, Status.OK))
    moved(filled, store)
    (pair, without) = store.nights()[0].confirmations[0].pairs
    assert (without.base_round, without.head_round) == (None, None)
    results = store.results(newest_only=False)
    measured = next(one for one in results if one.cell == make_cell() and one.status is Status.OK)
    assert measured.id is not None
    assert pair.head_round is not None
    assert pair.base_round is not None
    assert pair.head_round > 6
    assert [one.index for one in store.rounds_of(measured.id)] == [0, 1]
    again = store.units().found
    night = store.record(again[-1])
    original = filled.record(filled.units().found[-1])
    assert night["confirmations"] == original["confirmations"]


def test_a_nights_run_stays_out_of_the_history(
    store: Store, other: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    """Even if the same process began a run of the history at the same instant."""
    run = make_run()
    night = other.begin_night(Night(Kind.GATE, run.host, run.environment, run.commit, WHEN))
    for one in (run, replace(run, night=night.id)):
        key = other.open_result(other.begin(one), make_cell(), None, adopt=None)
        other.close_result(key, Status.OK)
    other.finish_night(night, NightState.DONE)
    assert moved(other, store)["runs"] == 2
    assert len(store.results(newest_only=False)) == len(other.results(newest_only=False)) == 1


def test_a_second_time_adds_nothing(filled: Store, store: Store) -> None:
    moved(filled, store)
    before = [store.record(one) for one in store.units().found]
    assert moved(filled, store) == Counter()
    assert [store.record(one) for one in store.units().found] == before


def test_there_and_back_adds_nothing(filled: Store, store: Store) -> None:
    """Two databases that feed each other do not multiply their rows."""
    moved(filled, store)
    assert moved(store, filled) == Counter()


def test_what_is_new_is_added_later(
    filled: Store, store: Store, make_cell: MakeCell, make_run: MakeRun
) -> None:
    """To a run that was still going at the first merge, too."""
    run = filled.begin(make_run(started=WHEN + timedelta(days=1), pid=5))
    key = filled.open_result(run, make_cell(backend=Choice("compile")), None, adopt=None)
    assert filled.units().unfinished_results == 1
    moved(filled, store)
    assert {one.status for one in store.results()} == {Status.OK, Status.FAILED}
    filled.close_result(key, Status.CRASHED, "died by SIGSEGV")
    filled.finish(run)
    assert moved(filled, store) == Counter(results=1)
    (crashed,) = [one for one in store.results() if one.status is Status.CRASHED]
    assert crashed.run.finished is not None


def test_a_night_that_is_not_over_waits(store: Store, other: Store, make_run: MakeRun) -> None:
    run = make_run()
    other.begin_night(Night(Kind.GATE, run.host, run.environment, run.commit, WHEN))
    assert other.units().unfinished_nights == 1
    assert moved(other, store) == Counter()


def test_a_record_is_added_whole_or_not_at_all(
    filled: Store, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies between two rows leaves nothing of the record."""
    from harness.store.exchange import writing

    run = next(one for one in filled.units().found if one.kind == "run")
    record = checked(filled.record(run), "here")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_write_result", killed)
    second = next(one for one in filled.units().found[2:] if one.kind == "run")
    with pytest.raises(KeyboardInterrupt):
        store.add(checked(filled.record(second), "here"))
    assert store.units().found == (store.units().found[0],)
    monkeypatch.undo()
    assert store.add(record)["runs"] == 1


def test_a_newer_ceiling_replaces_an_older_one(
    store: Store, other: Store, make_run: MakeRun
) -> None:
    run = make_run()
    place = (run.host, run.environment, "local")
    for number, one in enumerate((other, store), start=1):
        one.save_ceilings(*place, [Ceiling("x", number, "B/s", CeilingKind.MEASURED, "")])
    assert moved(other, store) == Counter()  # the store's is newer
    assert moved(store, other) == Counter(ceilings=1)
    assert [one.value for one in other.ceilings(*place)] == [2]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda it: it.update(record="rum"), "unknown record 'rum'"),
        (lambda it: it.pop("cells"), "'cells' is missing"),
        (lambda it: it["cells"].clear(), "the cell '"),
        (lambda it: it["results"][0].update(status="fine"), "'fine' is not a valid Status"),
        (lambda it: it["results"][0].update(extra=1), "unknown key 'extra'"),
        (lambda it: it["results"][0]["metrics"][0].update(value="x"), "could not convert"),
        (lambda it: it["results"][0]["rounds"][0].pop("seconds"), "'seconds' is missing"),
        (lambda it: it["results"][0]["rounds"][0].update(run="?"), "the run '?' is missing"),
        (lambda it: next(iter(it["runs"].values())).update(seed=8), "does not match its key"),
        (lambda it: next(iter(it["hosts"].values()))["content"].update(cpu="z"), "fingerprint"),
    ],
)
def test_a_damaged_record_is_refused(
    filled: Store, damage: Callable[[Any], object], message: str
) -> None:
    """Before anything of it is written; the message says where."""
    record = filled.record(filled.units().found[2])
    checked(json.loads(json.dumps(record)), "line 3")
    damage(record)
    with pytest.raises(StoreError, match=r"line 3: not a record of results: ") as found:
        checked(record, "line 3")
    assert message in str(found.value)


def test_the_newest_self_check_counts_whatever_its_key(
    store: Store, make_run: MakeRun, make_cell: MakeCell
) -> None:
    run, check = make_run(), SelfCheck(make_cell(), "latency", 10, 5.0, 0.0, 0.0, 0.0, 1.0, WHEN)
    for when in (WHEN, WHEN - timedelta(days=1)):  # the older one is merged later
        store.save_selfcheck(run.host, run.environment, replace(check, when=when))
    assert [one.when for _, one in store.selfchecks()] == [WHEN]
