"""The theoretical peaks that `harness ceiling` prints, on fake machines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cli.ceiling import _document, _text
from harness.dispatch import ceilings
from harness.dispatch.ceilings import Place
from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.cell import Choice
from harness.domain.run import Environment, Host
from harness.hardware.processors import Processor

MEASURED = Ceiling("gemm_fp32", 377e9, "FLOP/s", CeilingKind.MEASURED, "torch.matmul")
THEORY = Ceiling("gemm_fp32", 236e9, "FLOP/s", CeilingKind.THEORETICAL, "2 cores x 32")


@pytest.fixture
def place(host: Host, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A machine whose processor identifies itself as a Rocket Lake."""
    monkeypatch.setattr(ceilings, "this_processor", lambda: Processor("GenuineIntel", 6, 167))
    return Place(host, Environment({}), Choice("local"))


def test_theory_that_no_measurement_exceeds_is_shown(place: Place) -> None:
    found = (MEASURED, replace(THEORY, value=400e9))
    assert "400 GFLOP/s" in _text(place, found)
    assert "no theoretical peak" not in _text(place, found)
    assert _document(place, found)["no_theory"] is None


def test_refuted_theory_is_replaced_by_the_reason(place: Place) -> None:
    found = (MEASURED, THEORY)
    assert "no theoretical peak: gemm_fp32 was measured at 377 GFLOP/s" in _text(place, found)
    document = _document(place, found)
    assert [one["kind"] for one in document["ceilings"]] == ["measured"]
    assert document["no_theory"].startswith("gemm_fp32 was measured at 377 GFLOP/s")


def test_a_processor_that_identifies_itself_as_another_is_reported(
    place: Place, host: Host
) -> None:
    lying = replace(place, host=replace(host, isa=("avx2", "fma", "amx_tile")))
    assert "but has amx_tile, which that core" in _text(lying, [MEASURED])


def test_theory_that_lacks_a_frequency_says_so(place: Place) -> None:
    reason = "the processor's frequency under load is not known"
    assert _document(place, [MEASURED])["no_theory"] == reason
