"""Published figures of devices: dense peaks, bandwidth, power, and prices if known.

Each record names its source. A device without a record here has no data sheet. Peaks are dense:
makers often print twice as much, for weights of which half are zero. A source with "to be checked"
has not yet been compared with the maker's own sheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.domain.ceiling import (
    BANDWIDTH,
    FLOPS,
    MEMORY_COPY,
    MEMORY_READ,
    Ceiling,
    CeilingKind,
    gemm,
)


@dataclass(frozen=True)
class DataSheet:
    """The figures of one device. `devices` are the exact names that drivers and Linux give it."""

    name: str
    devices: tuple[str, ...]
    peaks: Mapping[str, float]  # dense FLOP/s (for int8, operations/s) by format
    bandwidth: float  # memory bandwidth, B/s
    source: str
    lacks: tuple[str, ...] = ()  # formats without units; a format in neither list is unknown
    memory_bytes: int | None = None
    power_W: float | None = None  # noqa: N815 - watts, as everyone writes them
    price_usd_hr: tuple[float, float] | None = None  # rent: lowest and highest published
    price_median_usd_hr: float | None = None
    cores: int | None = None  # a processor's core count: its peaks are for all cores together

    def ceilings(self) -> tuple[Ceiling, ...]:
        """The sheet's figures as ceilings."""
        peaks = [(gemm(number_format), peak, FLOPS) for number_format, peak in self.peaks.items()]
        memory = [(name, self.bandwidth, BANDWIDTH) for name in (MEMORY_READ, MEMORY_COPY)]
        return tuple(
            Ceiling(name, value, unit, CeilingKind.DATA_SHEET, f"{self.name}: {self.source}")
            for name, value, unit in [*peaks, *memory]
        )


def data_sheet(device: str, cores: int | None = None) -> DataSheet | None:
    """The sheet of the device with this exact name. None if there is no record.

    A processor's sheet is for the whole part, so it applies only if all its `cores` are used.
    """
    sheets = (sheet for sheet in DATA_SHEETS if device in sheet.devices)
    return next((sheet for sheet in sheets if sheet.cores in {None, cores}), None)


def _tera(**peaks: float) -> dict[str, float]:
    return {number_format: value * 1e12 for number_format, value in peaks.items()}


_STAS = (
    "github.com/stas00/ml-engineering@744d01e compute/accelerator/README.md and network/README.md"
)

DATA_SHEETS = (
    DataSheet(
        "V100 SXM2 32GB",
        ("Tesla V100-SXM2-32GB",),
        _tera(fp32=15.7, fp16=125),
        bandwidth=9e11,
        lacks=("tf32", "bf16", "fp8"),
        memory_bytes=32 * 10**9,
        power_W=300,
        price_usd_hr=(0.97, 0.97),
        price_median_usd_hr=0.97,
        source=(
            "peak/mem/link: cli99/llm-analysis gpu_configs/v100-sxm-32gb.json; fp32 15.7 and "
            "300W to be checked against the data sheet; price = legacy-cohort median "
            "aimultiple.com/gpu-index 2026-05"
        ),
    ),
    DataSheet(
        "A100 SXM 40GB",
        ("NVIDIA A100-SXM4-40GB", "A100-SXM4-40GB"),
        _tera(fp32=19.5, tf32=156, bf16=312, fp16=312, int8=624),
        bandwidth=1.555e12,
        lacks=("fp8",),
        memory_bytes=40 * 10**9,
        power_W=400,
        source=f"peaks {_STAS}; 40GB bw: llm-analysis a100-sxm-40gb.json",
    ),
    DataSheet(
        "A100 SXM 80GB",
        ("NVIDIA A100-SXM4-80GB", "A100-SXM4-80GB"),
        _tera(fp32=19.5, tf32=156, bf16=312, fp16=312, int8=624),
        bandwidth=2.039e12,
        lacks=("fp8",),
        memory_bytes=80 * 10**9,
        power_W=400,
        price_usd_hr=(1.1, 3),
        source=(
            f"{_STAS} (bw 2.0; 2039 GB/s from llm-analysis); price "
            "mercatus-ai.com/blog/cloud-gpu-pricing 2026-05 specialty..hyperscaler"
        ),
    ),
    DataSheet(
        "H100 SXM",
        ("NVIDIA H100 80GB HBM3",),
        _tera(fp32=67, tf32=494.5, bf16=989, fp16=989, fp8=1979, int8=1979),
        bandwidth=3.35e12,
        memory_bytes=80 * 10**9,
        power_W=700,
        price_usd_hr=(2.5, 5),
        price_median_usd_hr=2.95,
        source=f"{_STAS}; price mercatus 2026-05, aimultiple median 2026-05",
    ),
    DataSheet(
        "H100 PCIe",
        ("NVIDIA H100 PCIe",),
        _tera(fp32=51, tf32=378, bf16=756, fp16=756, fp8=1513, int8=1513),
        bandwidth=2e12,
        memory_bytes=80 * 10**9,
        power_W=350,
        source=f"{_STAS}; 350W to be checked against the data sheet",
    ),
    DataSheet(
        "H200 SXM",
        ("NVIDIA H200",),
        _tera(fp32=67, tf32=494.5, bf16=989, fp16=989, fp8=1979, int8=1979),
        bandwidth=4.8e12,
        memory_bytes=141 * 10**9,
        power_W=700,
        price_usd_hr=(3.5, 7),
        source=f"{_STAS}; price mercatus 2026-05",
    ),
    DataSheet(
        "B200 SXM",
        ("NVIDIA B200",),
        _tera(fp32=80, tf32=1125, bf16=2250, fp16=2250, fp8=4500, int8=4500),
        bandwidth=8e12,
        memory_bytes=180 * 10**9,
        power_W=1000,
        source=_STAS,
    ),
    DataSheet(
        "GB200 SXM",
        ("NVIDIA GB200",),
        _tera(fp32=80, tf32=1250, bf16=2500, fp16=2500, fp8=5000, int8=5000),
        bandwidth=8e12,
        memory_bytes=186 * 10**9,
        power_W=1200,
        source=_STAS,
    ),
    DataSheet(
        "B300 SXM",
        ("NVIDIA B300 SXM6 AC",),
        _tera(fp32=80, tf32=1125, bf16=2250, fp16=2250, fp8=4500, int8=4500),
        bandwidth=8e12,
        memory_bytes=288 * 10**9,
        power_W=1000,
        source=_STAS,
    ),
    DataSheet(
        "MI300X",
        ("AMD Instinct MI300X",),
        _tera(fp32=163.4, tf32=653.7, bf16=1300, fp16=1300, fp8=2610, int8=2600),
        bandwidth=5.3e12,
        memory_bytes=192 * 10**9,
        power_W=750,
        source=_STAS,
    ),
    DataSheet(
        "MI325X",
        ("AMD Instinct MI325X",),
        _tera(fp32=163.4, tf32=653.7, bf16=1300, fp16=1300, fp8=2610, int8=2600),
        bandwidth=6e12,
        memory_bytes=256 * 10**9,
        power_W=1000,
        source=_STAS,
    ),
    DataSheet(
        "MI355X",
        ("AMD Instinct MI355X",),
        _tera(fp32=157.3, bf16=2500, fp16=2500, fp8=5000, int8=5000),
        bandwidth=8e12,
        memory_bytes=288 * 10**9,
        power_W=1400,
        source=_STAS,
    ),
    DataSheet(
        "L40S",
        ("NVIDIA L40S",),
        _tera(fp32=91.6, tf32=183, bf16=362, fp16=362, fp8=733, int8=733),
        bandwidth=8.6e11,
        memory_bytes=48 * 10**9,
        power_W=350,
        source=_STAS,
    ),
    DataSheet(
        "L4",
        ("NVIDIA L4",),
        _tera(fp32=30.3, tf32=60, bf16=121, fp16=121, fp8=242.5, int8=242.5),
        bandwidth=3e11,
        memory_bytes=24 * 10**9,
        power_W=72,
        source=(
            "to be checked against the data sheet (L4 datasheet prints sparse figures "
            "120/242/485/485)"
        ),
    ),
    DataSheet(
        "RTX 4090",
        ("NVIDIA GeForce RTX 4090",),
        _tera(fp32=82.58, tf32=82.58, bf16=165.2, fp16=165.2, fp8=330.3, int8=660.6),
        bandwidth=1.008e12,
        memory_bytes=24 * 10**9,
        power_W=450,
        source="hmc-tech.com and waredb.com pages (fp16 with fp32 accumulate)",
    ),
    DataSheet(
        "RTX 5090",
        ("NVIDIA GeForce RTX 5090",),
        _tera(fp32=104.8, tf32=104.8, bf16=209.5, fp16=209.5, fp8=419, int8=838),
        bandwidth=1.792e12,
        memory_bytes=32 * 10**9,
        power_W=575,
        source=(
            "bw/TDP/sparse peaks: spheron.network/blog/nvidia-rtx-5090-specs (fp16 sparse 838 "
            "is fp16-accumulate); dense fp32-accumulate 209.5 to be checked against the data "
            "sheet"
        ),
    ),
    DataSheet(
        "EPYC 9654",
        ("AMD EPYC 9654 96-Core Processor",),
        _tera(fp32=7.4, bf16=14.7, int8=29),
        bandwidth=4.608e11,
        lacks=("tf32", "fp16", "fp8"),
        power_W=360,
        cores=96,
        source=(
            "to be checked against the data sheet: 12xDDR5-4800=460.8 GB/s; peak = "
            "cores*clk*32 fp32 FLOP/cycle (x2 bf16 via AVX512_BF16)"
        ),
    ),
    DataSheet(
        "Xeon Platinum 8480+",
        ("Intel(R) Xeon(R) Platinum 8480+",),
        _tera(fp32=7.2, bf16=115, int8=229),
        bandwidth=3.072e11,
        lacks=("tf32", "fp16", "fp8"),
        power_W=350,
        cores=56,
        source=(
            "to be checked against the data sheet: 8xDDR5-4800=307.2 GB/s; AMX bf16 1024 "
            "FLOP/cycle/core"
        ),
    ),
)
