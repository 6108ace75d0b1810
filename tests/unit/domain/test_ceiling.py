"""Limits of a machine: what is quoted, what is compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.domain.ceiling import (
    Ceiling,
    CeilingKind,
    all_reduce,
    buffer_bytes,
    compared,
    gemm,
    memory_read,
    refutation,
    tenable,
    unit_of,
    values,
)

MEASURED = Ceiling("gemm_fp32", 320e9, "FLOP/s", CeilingKind.MEASURED, "torch.matmul")
THEORY = Ceiling("gemm_fp32", 400e9, "FLOP/s", CeilingKind.THEORETICAL, "2 cores x ...")
SHEET = Ceiling("gemm_fp32", 500e9, "FLOP/s", CeilingKind.DATA_SHEET, "a sheet")
READ = Ceiling("memory_read", 30e9, "B/s", CeilingKind.MEASURED, "torch.dot")


@pytest.mark.parametrize("one", [MEASURED, THEORY, replace(READ, others=0.3)])
def test_it_survives_as_plain_data(one: Ceiling) -> None:
    assert Ceiling.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("size", "name"),
    [(2**20, "memory_read@1MiB"), (2**29, "memory_read@512MiB"), (2**30, "memory_read@1GiB")],
)
def test_a_size_of_the_curve_is_in_its_name(size: int, name: str) -> None:
    assert memory_read(size) == name
    assert buffer_bytes(name) == size
    assert buffer_bytes("memory_read") is buffer_bytes("gemm_fp32") is None


def test_kinds_are_never_mixed() -> None:
    found = [MEASURED, THEORY, READ]
    assert values(found, CeilingKind.MEASURED) == {"gemm_fp32": 320e9, "memory_read": 30e9}
    assert values(found, CeilingKind.THEORETICAL) == {"gemm_fp32": 400e9}


def test_what_is_known_to_be_too_low_is_not_quoted() -> None:
    """A rate beside it would look better than it is."""
    low = replace(MEASURED, others=0.4)
    assert values([low, READ], CeilingKind.MEASURED) == {"memory_read": 30e9}
    assert low.explanation == "torch.matmul; too low: other work took 40% of the processors"
    assert MEASURED.explanation == "torch.matmul"


def test_a_row_compares_with_theory_before_the_data_sheet() -> None:
    """In the order in which names first come; a limit alone is compared with nothing."""
    rows = compared([MEASURED, READ, SHEET, THEORY])
    assert [(row.name, row.share) for row in rows] == [("gemm_fp32", 0.8), ("memory_read", None)]
    (row,) = compared([SHEET, MEASURED])
    assert row.share == 0.64


def test_a_measurement_above_theory_refutes_all_theory() -> None:
    """It all comes from one record and one clock; the data sheet and the rest stand."""
    other = replace(THEORY, name="gemm_bf16")
    measured = replace(MEASURED, value=401e9)
    found = [measured, THEORY, other, SHEET, READ]
    assert tenable(found) == (measured, SHEET, READ)
    assert refutation(found) == (
        "gemm_fp32 was measured at 401 GFLOP/s, above the theoretical 400 GFLOP/s "
        "(2 cores x ...): the record of the core or its frequency is wrong for this machine"
    )


def test_theory_that_nothing_exceeds_stands() -> None:
    """As does a figure of another limit that happens to be larger."""
    found = (MEASURED, THEORY, replace(READ, value=9e99))
    assert tenable(found) == found
    assert refutation(found) is None


def test_a_disturbed_measurement_refutes_as_well() -> None:
    """Other work only lowers it."""
    assert refutation([replace(MEASURED, value=401e9, others=0.4), THEORY])


@pytest.mark.parametrize(
    ("name", "unit"),
    [(gemm("int8"), "FLOP/s"), ("memory_copy", "B/s"), (all_reduce(4), "B/s"), ("clock", "Hz")],
)
def test_a_name_tells_its_unit(name: str, unit: str) -> None:
    assert unit_of(name) == unit
