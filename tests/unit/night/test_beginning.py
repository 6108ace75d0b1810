"""A night that was cut off goes on; any other is a new one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.domain.location import Location
from harness.domain.night import Kind, Night, NightState
from harness.domain.run import Asked, Commit, Environment, Host
from harness.night import beginning
from harness.night.beginning import begun
from harness.pipeline import Request
from harness.spec.load import Spec
from harness.spec.settings import Limits, Measure
from harness.store import Store
from harness.subject.builds import Build

HOST = Host("cpu", "x86_64", 2, 2, (), 2**30, "Linux")
SPEC = Spec("small", "Why?", "small.yaml", "d1", Measure(), Limits(), ())
BUILD = Build(Commit("a" * 40), Environment({"torch": "2.13.0"}), Path("/bin/python"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Location.file(tmp_path / "a.sqlite")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes of earlier nights are gone, unless a test says otherwise."""
    monkeypatch.setattr(beginning, "is_alive", lambda *_: False)


def begin(
    store: Store, spec: Spec = SPEC, build: Build = BUILD, kind: Kind = Kind.NIGHTLY
) -> Night:
    request = Request((), Location.file(Path("a.sqlite")), command="harness nightly")
    return begun(store, kind, request, [spec], build, HOST)


def test_a_killed_night_goes_on(store: Store) -> None:
    first = begin(store)
    again = begin(store)
    assert (again.id, again.started) == (first.id, first.started)


def test_a_night_that_still_runs_is_left_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(store)
    monkeypatch.setattr(beginning, "is_alive", lambda *_: True)
    assert begin(store).id != first.id


@pytest.mark.parametrize("state", [NightState.DONE, NightState.VOID])
def test_a_night_that_ended_is_over(store: Store, state: NightState) -> None:
    first = begin(store)
    store.finish_night(first, state)
    assert begin(store).id != first.id


def test_another_night_is_not_continued(store: Store) -> None:
    first = begin(store)
    others = [
        begin(store, kind=Kind.GATE),
        begin(store, spec=replace(SPEC, digest="d2")),
        begin(store, build=replace(BUILD, commit=Commit("b" * 40))),
        begin(store, build=replace(BUILD, environment=Environment({"torch": "2.14.0"}))),
    ]
    assert len({first.id, *(one.id for one in others)}) == 5


def test_an_old_night_is_not_continued(store: Store) -> None:
    old = Night(
        kind=Kind.NIGHTLY,
        host=HOST,
        environment=BUILD.environment,
        head=BUILD.commit,
        started=datetime.now(UTC) - timedelta(hours=13),
        specs={"small.yaml": Asked("small", "Why?", "d1")},
    )
    assert begin(store).id != store.begin_night(old).id
    assert len(store.nights()) == 2
