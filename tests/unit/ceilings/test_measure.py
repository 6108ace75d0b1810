"""Which ceilings a hardware choice has, and what follows from the measured ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.ceilings.measure import derived, expected_seconds, no_theory, wanted
from harness.domain.ceiling import CURVE, Ceiling, CeilingKind, memory_read
from harness.domain.cell import Choice
from harness.domain.run import Gpu, Host
from harness.hardware.processors import Processor

LOCAL, CUDA = Choice("local"), Choice("cuda")
EMERALD = Processor("GenuineIntel", 6, 207)
CLOCK = Ceiling("clock", 2e9, "Hz", CeilingKind.MEASURED, "counted")


@pytest.fixture
def server(host: Host) -> Host:
    """With an H100."""
    return replace(host, gpus=(Gpu("NVIDIA H100 80GB HBM3", 80 * 2**30),))


def test_a_processor_has_its_clock_four_formats_memory_and_all_reduce(host: Host) -> None:
    assert wanted(LOCAL, host, EMERALD) == (
        "all_reduce_2",
        "all_reduce_4",
        "clock",
        "gemm_fp32",
        "gemm_bf16",
        "gemm_fp16",
        "gemm_int8",
        "memory_read",
        *(f"memory_read@{2**power}MiB" for power in range(10)),
        "memory_read@1GiB",
        "memory_copy",
    )


def test_a_buffer_of_the_curve_takes_a_sixteenth_of_memory_at_most(host: Host) -> None:
    sizes = [
        name for name in wanted(LOCAL, replace(host, memory_bytes=64 * 2**20), None) if "@" in name
    ]
    assert sizes == ["memory_read@1MiB", "memory_read@2MiB", "memory_read@4MiB"]
    assert "memory_read@1GiB" in wanted(LOCAL, replace(host, memory_bytes=2**34), None)


def test_the_whole_curve_takes_as_long_as_two_searches() -> None:
    names = [memory_read(size) for size in CURVE]
    assert expected_seconds(names, 1.5) - expected_seconds((), 1.5) == pytest.approx(4 + 2 * 1.5)


def test_a_clock_that_nothing_would_be_made_of_is_not_measured(host: Host) -> None:
    assert "clock" not in wanted(LOCAL, host, None)


def test_a_lone_core_reduces_with_nobody(host: Host) -> None:
    alone = replace(host, physical_cores=1, logical_cores=1)
    assert not [name for name in wanted(LOCAL, alone, None) if name.startswith("all_reduce")]


def test_a_gpu_is_asked_for_fp8_only_where_it_has_units_for_it(server: Host) -> None:
    assert "gemm_fp8" in wanted(CUDA, server, EMERALD)
    a100 = replace(server, gpus=(Gpu("NVIDIA A100-SXM4-80GB", 80 * 2**30),))
    unknown = replace(server, gpus=(Gpu("NVIDIA Something", 2**30),))
    for one in (a100, unknown):
        assert "gemm_fp8" not in wanted(CUDA, one, EMERALD)
        assert "gemm_tf32" in wanted(CUDA, one, EMERALD)


def test_a_format_that_a_device_lacks_is_not_measured(server: Host) -> None:
    volta = replace(server, gpus=(Gpu("Tesla V100-SXM2-32GB", 32 * 2**30),))
    names = wanted(CUDA, volta, None)
    assert "gemm_fp16" in names
    assert not {"gemm_bf16", "gemm_tf32"} & {*names}


def test_theory_counts_the_cores_that_the_threads_can_keep_busy(host: Host) -> None:
    """Two hardware threads of a core share its units."""
    host = replace(host, isa=("avx512f",), physical_cores=4, logical_cores=8)

    def fp32(threads: int) -> float:
        choice = Choice("cpu", (("threads", threads),))
        (found, *_) = derived(choice, host, EMERALD, [CLOCK])
        return found.value

    assert [fp32(threads) / 128e9 for threads in (1, 4, 8)] == [1, 4, 4]


def test_without_clock_or_record_there_is_no_theory(host: Host) -> None:
    assert derived(LOCAL, host, EMERALD, []) == ()
    assert derived(LOCAL, host, Processor("Somebody", 1, 1), [CLOCK]) == ()
    assert derived(LOCAL, host, None, [CLOCK]) == ()


def test_why_there_is_no_theory_is_told(host: Host, server: Host) -> None:
    assert no_theory(LOCAL, host, EMERALD) is None
    assert "does not report" in (no_theory(LOCAL, host, None) or "")
    told = no_theory(LOCAL, host, Processor("Somebody", 1, 2))
    assert "Somebody family 1 model 2" in (told or "")
    assert "data sheet" in (no_theory(CUDA, server, EMERALD) or "")


def test_a_record_that_the_host_contradicts_gives_no_theory(host: Host) -> None:
    """Nor a clock to measure; why is told."""
    amx = replace(host, isa=("avx2", "fma", "avx512f", "amx_tile"))
    rocket_lake = Processor("GenuineIntel", 6, 167)
    assert derived(LOCAL, amx, rocket_lake, [CLOCK]) == ()
    assert "clock" not in wanted(LOCAL, amx, rocket_lake)
    assert "has amx_tile, which that core" in (no_theory(LOCAL, amx, rocket_lake) or "")


def test_a_gpu_has_its_data_sheet(server: Host) -> None:
    kinds = {one.kind for one in derived(CUDA, server, EMERALD, [])}
    assert kinds == {CeilingKind.DATA_SHEET}


def test_a_processors_data_sheet_is_of_the_whole_part(host: Host) -> None:
    part = replace(
        host, cpu="AMD EPYC 9654 96-Core Processor", physical_cores=96, logical_cores=192
    )
    assert derived(LOCAL, part, None, [])
    assert derived(Choice("cpu", (("threads", 48),)), part, None, []) == ()


def test_nothing_to_measure_takes_no_time() -> None:
    assert expected_seconds((), 1.5) == 0
    assert expected_seconds(("clock",), 1.5) < expected_seconds(("clock", "gemm_fp32"), 1.5)
