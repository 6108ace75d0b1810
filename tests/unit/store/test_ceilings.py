"""Ceilings are stored for each host, environment and hardware."""

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


def test_ceilings_are_loaded_as_saved_and_in_order(path: Path, host: Host, odd: str) -> None:
    """After the database was closed and opened again."""
    found = (
        ceiling("gemm_fp32", 0.1 + 0.2),
        ceiling("gemm_fp32", 1e300, CeilingKind.THEORETICAL),
        replace(ceiling("clock", 5e-324), how=odd),
    )
    with Store(Location.file(path)) as store:
        store.save_ceilings(host, ENVIRONMENT, odd, found)
    with Store(Location.file(path)) as store:
        assert store.ceilings(host, ENVIRONMENT, odd) == found


def test_a_ceiling_replaces_the_one_with_its_name_and_kind_in_place(
    store: Store, host: Host
) -> None:
    store.save_ceilings(host, ENVIRONMENT, "local", [ceiling("a", 1), ceiling("b", 2)])
    theory = ceiling("a", 9, CeilingKind.THEORETICAL)
    store.save_ceilings(host, ENVIRONMENT, "local", [theory, ceiling("a", 3)])
    assert store.ceilings(host, ENVIRONMENT, "local") == (ceiling("a", 3), ceiling("b", 2), theory)


def test_ceilings_apply_to_one_host_environment_and_hardware(store: Store, host: Host) -> None:
    store.save_ceilings(host, ENVIRONMENT, "local", [ceiling("a", 1)])
    assert store.ceilings(replace(host, cpu="another"), ENVIRONMENT, "local") == ()
    assert store.ceilings(host, Environment({"torch": "2.14.0"}), "local") == ()
    assert store.ceilings(host, ENVIRONMENT, "cpu(threads=1)") == ()


def test_saving_no_ceilings_stores_nothing(store: Store, host: Host) -> None:
    store.save_ceilings(host, ENVIRONMENT, "local", [])
    assert store.all_ceilings() == ()


def test_all_ceilings_come_with_their_place_and_the_last_saved_first(
    store: Store, host: Host
) -> None:
    other = replace(host, cpu="another")
    store.save_ceilings(host, ENVIRONMENT, "local", [ceiling("a", 1)])
    store.save_ceilings(other, ENVIRONMENT, "local", [ceiling("a", 2)])
    store.save_ceilings(host, ENVIRONMENT, "cpu(threads=1)", [ceiling("a", 3)])
    found = [(one.host, one.hardware, one.found[0].value) for one in store.all_ceilings()]
    assert found == [(host, "cpu(threads=1)", 3), (other, "local", 2), (host, "local", 1)]
    assert {one.environment.digest for one in store.all_ceilings()} == {ENVIRONMENT.digest}
