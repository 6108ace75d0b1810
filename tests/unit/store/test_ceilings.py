"""What a host can do at best is kept apart for each place where it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.location import Location
from harness.domain.run import Environment, Host
from harness.store import Store

ENVIRONMENT = Environment({"torch": "2.13.0"})


def ceiling(name: str, value: float, kind: CeilingKind = CeilingKind.MEASURED) -> Ceiling:
    return Ceiling(name, value, "FLOP/s", kind, f"how {value}", others=0.25)


def test_they_are_loaded_as_they_were_in_order(path: Path, host: Host, odd: str) -> None:
    """By another process, too."""
    found = (
        ceiling("gemm_fp32", 0.1 + 0.2),
        ceiling("gemm_fp32", 1e300, CeilingKind.THEORETICAL),
        replace(ceiling("clock", 5e-324), how=odd),
    )
    with Store(Location.file(path)) as store:
        store.save_ceilings(host, ENVIRONMENT, odd, found)
    with Store(Location.file(path)) as store:
        assert store.ceilings(host, ENVIRONMENT, odd) == found


def test_one_replaces_that_of_its_name_and_kind_in_its_place(store: Store, host: Host) -> None:
    store.save_ceilings(host, ENVIRONMENT, "local", [ceiling("a", 1), ceiling("b", 2)])
    theory = ceiling("a", 9, CeilingKind.THEORETICAL)
    store.save_ceilings(host, ENVIRONMENT, "local", [theory, ceiling("a", 3)])
    assert store.ceilings(host, ENVIRONMENT, "local") == (ceiling("a", 3), ceiling("b", 2), theory)


def test_they_hold_for_one_host_environment_and_hardware(store: Store, host: Host) -> None:
    store.save_ceilings(host, ENVIRONMENT, "local", [ceiling("a", 1)])
    assert store.ceilings(replace(host, cpu="another"), ENVIRONMENT, "local") == ()
    assert store.ceilings(host, Environment({"torch": "2.14.0"}), "local") == ()
    assert store.ceilings(host, ENVIRONMENT, "cpu(threads=1)") == ()


def test_nothing_is_nothing_to_save(store: Store, host: Host) -> None:
    store.save_ceilings(host, ENVIRONMENT, "local", [])
    assert store.all_ceilings() == ()


def test_all_are_told_with_where_they_hold_the_last_saved_first(store: Store, host: Host) -> None:
    other = replace(host, cpu="another")
    store.save_ceilings(host, ENVIRONMENT, "local", [ceiling("a", 1)])
    store.save_ceilings(other, ENVIRONMENT, "local", [ceiling("a", 2)])
    store.save_ceilings(host, ENVIRONMENT, "cpu(threads=1)", [ceiling("a", 3)])
    told = [(one.host, one.hardware, one.found[0].value) for one in store.all_ceilings()]
    assert told == [(host, "cpu(threads=1)", 3), (other, "local", 2), (host, "local", 1)]
    assert {one.environment.digest for one in store.all_ceilings()} == {ENVIRONMENT.digest}
