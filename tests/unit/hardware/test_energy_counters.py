"""Energy as counters count it; without a counter, why not."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from harness.errors import Unsupported
from harness.hardware import energy_counters
from harness.hardware.energy_counters import Nvml, gpu_counter, processor_counter


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages, one with DRAM apart, and zones that are part of others."""
    names = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:0:1": "dram",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    for folder, name in names.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "name").write_text(f"{name}\n")
        (tmp_path / folder / "max_energy_range_uj").write_text("1000000000\n")
        (tmp_path / folder / "energy_uj").write_text("999000000\n")
    return tmp_path


def add(powercap: Path, zone: str, microjoules: int) -> None:
    file = powercap / zone / "energy_uj"
    file.write_text(f"{(int(file.read_text()) + microjoules) % 1_000_000_000}\n")


def test_packages_and_dram_are_summed_and_their_parts_are_not(powercap: Path) -> None:
    """A package holds its cores; psys and the second interface hold the packages again."""
    counter = processor_counter(powercap)
    start = counter.read()
    for zone in ("intel-rapl:0", "intel-rapl:0:1", "intel-rapl:1"):
        add(powercap, zone, 300_000)
    for zone in ("intel-rapl:0:0", "intel-rapl:2", "intel-rapl-mmio:0"):
        add(powercap, zone, 70_000)
    assert counter.joules(start, counter.read()) == pytest.approx(0.9)


def test_a_counter_that_begins_anew_goes_on_counting(powercap: Path) -> None:
    counter = processor_counter(powercap)
    start = counter.read()
    add(powercap, "intel-rapl:0", 5_000_000)  # past its range
    assert counter.joules(start, counter.read()) == pytest.approx(5)


def test_a_host_without_counters_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="not measurable here: this system exposes no RAPL"):
        processor_counter(tmp_path)


def test_counters_that_only_root_may_read_are_named(
    powercap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kernels since 5.10 have them. Tests may run as root, who may read all."""

    def forbidden(self: object) -> tuple[int, ...]:
        raise PermissionError(13, "Permission denied", "/sys/energy_uj")

    monkeypatch.setattr(energy_counters.Rapl, "read", forbidden)
    with pytest.raises(Unsupported, match="this user may not read /sys/energy_uj"):
        processor_counter(powercap)


class NVMLError(Exception):
    """As the binding's own."""


@dataclass
class FakeNvml:
    """NVIDIA's library with one card, known by its UUID."""

    millijoules: int = 7_000
    calls: list[str] = field(default_factory=list)

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's own name
        self.calls.append("init")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802 - NVML's own name
        if uuid != "GPU-1":
            raise NVMLError("Not Found")
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, device: str) -> int:  # noqa: N802 - NVML's
        return self.millijoules


def test_a_gpu_counts_in_millijoules() -> None:
    """Several together."""
    for uuids in (["GPU-1"], ["GPU-1", "GPU-1"]):
        library = FakeNvml()
        counter = Nvml(library, uuids)
        start = counter.read()
        library.millijoules += 2_500
        assert counter.joules(start, counter.read()) == pytest.approx(2.5 * len(uuids))


@pytest.fixture
def pynvml(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The binding as if it were installed."""
    library, module = FakeNvml(), ModuleType("pynvml")
    for name in dir(library):
        if name.startswith("nvml"):
            setattr(module, name, getattr(library, name))
    setattr(module, "NVMLError", NVMLError)  # noqa: B010 - a module made here has no such name
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(energy_counters, "find_spec", lambda _: object())
    return module


def test_what_nvml_refuses_is_the_reason(pynvml: ModuleType) -> None:
    assert isinstance(gpu_counter(["GPU-1"]), Nvml)
    with pytest.raises(Unsupported, match="not measurable here: NVML says: Not Found"):
        gpu_counter(["GPU-1", "GPU-2"])


def test_without_its_binding_a_gpu_is_not_measurable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy_counters, "find_spec", lambda _: None)
    with pytest.raises(Unsupported, match="nvidia-ml-py"):
        gpu_counter(["GPU-1"])
