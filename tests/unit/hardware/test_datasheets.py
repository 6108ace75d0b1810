"""Data sheets are found by exact name, or not at all."""

from __future__ import annotations

import pytest

from harness.domain.ceiling import CeilingKind
from harness.hardware.datasheets import DATA_SHEETS, DataSheet, data_sheet


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA A100-SXM4-80GB", "A100 SXM 80GB"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
    ],
)
def test_a_device_is_found_by_the_name_its_driver_tells(device: str, name: str) -> None:
    sheet = data_sheet(device)
    assert sheet is not None
    assert sheet.name == name


@pytest.mark.parametrize(
    "device",
    ["NVIDIA H100", "NVIDIA H100 NVL", "NVIDIA H200 NVL", "NVIDIA GeForce RTX 4090 Ti", ""],
)
def test_a_name_that_is_only_alike_is_not_guessed_at(device: str) -> None:
    """Another card's peak would make every share of it wrong."""
    assert data_sheet(device) is None


def test_a_processors_sheet_holds_only_for_all_its_cores() -> None:
    """A virtual machine with a part of them does not have the whole part's peak."""
    name = "AMD EPYC 9654 96-Core Processor"
    sheet = data_sheet(name, 96)
    assert sheet is not None
    assert sheet.peaks["bf16"] == 14.7e12
    assert data_sheet(name, 8) is None
    assert data_sheet(name) is None


def test_a_sheet_promises_peaks_and_bandwidth() -> None:
    sheet = data_sheet("NVIDIA H100 80GB HBM3")
    assert sheet is not None
    found = {one.name: (one.value, one.unit) for one in sheet.ceilings()}
    assert found["gemm_fp8"] == (1979e12, "FLOP/s")
    assert found["memory_read"] == (3.35e12, "B/s")
    assert {one.kind for one in sheet.ceilings()} == {CeilingKind.DATA_SHEET}
    assert all("stas00/ml-engineering" in one.how for one in sheet.ceilings())
    assert (sheet.power_W, sheet.price_usd_hr, sheet.price_median_usd_hr) == (700, (2.5, 5), 2.95)


@pytest.mark.parametrize("sheet", DATA_SHEETS, ids=lambda sheet: sheet.name)
def test_every_sheet_has_a_source_and_makes_sense(sheet: DataSheet) -> None:
    """Fewer bits are never slower; what it lacks it has no peak of; a price has two ends."""
    assert sheet.source
    assert sheet.devices
    assert not set(sheet.lacks) & set(sheet.peaks)
    order = [sheet.peaks[one] for one in ("fp32", "bf16", "int8") if one in sheet.peaks]
    assert order == sorted(order)
    low, high = sheet.price_usd_hr or (0.0, 0.0)
    assert low <= (sheet.price_median_usd_hr or low) <= high


def test_no_name_belongs_to_two() -> None:
    names = [device for sheet in DATA_SHEETS for device in sheet.devices]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["V100 SXM2 32GB", "H100 PCIe", "L4", "RTX 5090", "EPYC 9654"])
def test_what_is_still_to_be_checked_says_so(name: str) -> None:
    (sheet,) = (one for one in DATA_SHEETS if one.name == name)
    assert "to be checked" in sheet.source
