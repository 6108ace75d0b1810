"""Theoretical peaks: arithmetic on records, and nothing where there is no record."""

from __future__ import annotations

import pytest

from harness.domain.ceiling import Ceiling, CeilingKind
from harness.hardware.processors import (
    CORES,
    Core,
    Load,
    Processor,
    core_of,
    peaks,
    theoretical,
    why_no_core,
)

SERVER = ("avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "avx512_bf16")


def named(vendor: str, family: int, model: int) -> Core:
    core = core_of(Processor(vendor, family, model), ())
    assert core is not None
    return core


def flops(core: Core, *isa: str) -> dict[str, float]:
    return {one: peak.flops for one, peak in peaks(core, isa).items()}


def test_emerald_rapids_without_amx_does_bf16_best_in_fp32() -> None:
    """Its AVX512-BF16 starts half as often as an FMA, so twice the work a lane gains nothing."""
    found = peaks(named("GenuineIntel", 6, 207), [*SERVER, "avx512_fp16"])
    assert {one: peak.flops for one, peak in found.items()} == {
        "fp32": 64,
        "bf16": 64,
        "fp16": 128,
        "int8": 256,
    }
    assert found["bf16"].by == "2 x 512-bit FMA in fp32"
    assert found["int8"].by == "avx512_vnni"


def test_amx_beats_the_vector_units() -> None:
    core = named("GenuineIntel", 6, 143)
    told = flops(core, *SERVER, "amx_tile", "amx_bf16", "amx_int8")
    assert (told["fp32"], told["bf16"], told["int8"]) == (64, 1024, 2048)


def test_zen_4_does_512_bits_in_two_halves_and_zen_5_at_once() -> None:
    four, five = named("AuthenticAMD", 25, 17), named("AuthenticAMD", 26, 2)
    assert flops(four, *SERVER) == {"fp32": 32, "bf16": 64, "fp16": 32, "int8": 128}
    assert flops(five, *SERVER) == {"fp32": 64, "bf16": 128, "fp16": 64, "int8": 256}


def test_without_an_extension_int8_has_no_peak() -> None:
    """What a processor does with it then depends on the kernel."""
    assert flops(named("GenuineIntel", 6, 63), "avx2", "fma") == {
        "fp32": 32,
        "bf16": 32,
        "fp16": 32,
    }


def test_a_virtual_machine_that_hides_avx512_has_the_peak_of_what_is_left() -> None:
    core = named("GenuineIntel", 6, 106)
    assert flops(core, "avx2", "fma")["fp32"] == 32
    assert flops(core, "sse4_2") == {}


@pytest.mark.parametrize("processor", [None, Processor("GenuineIntel", 6, 1), Processor("", 0, 0)])
def test_a_processor_nobody_looked_up_has_no_record(processor: Processor | None) -> None:
    assert core_of(processor, ("fma",)) is None
    assert why_no_core(processor, ("fma",))


ROCKET_LAKE = Processor("GenuineIntel", 6, 167)


def test_a_record_holds_only_where_the_hosts_extensions_are_possible_on_the_core() -> None:
    """A hypervisor may give a new processor an old one's number; it cannot give it AMX units."""
    possible = ("avx2", "fma", "avx512f", "avx512_vnni")
    assert core_of(ROCKET_LAKE, possible) is not None
    assert why_no_core(ROCKET_LAKE, possible) is None
    for impossible in ("amx_tile", "avx512_bf16", "sve"):
        assert core_of(ROCKET_LAKE, (*possible, impossible)) is None
    assert why_no_core(ROCKET_LAKE, (*possible, "amx_tile", "amx_int8")) == (
        "this host reports GenuineIntel family 6 model 167, but has amx_int8, amx_tile, which "
        "that core (Ice, Tiger and Rocket Lake clients) cannot have: its FLOPs per cycle are "
        "not known"
    )


def test_a_hidden_extension_contradicts_no_record() -> None:
    """Virtual machines hide some."""
    assert core_of(Processor("GenuineIntel", 6, 207), ("avx2", "fma")) is not None


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.name)
def test_every_core_has_the_extensions_that_its_units_need(core: Core) -> None:
    """512-bit units come with AVX-512, and nothing multiplies in units that are not there."""
    assert core.extensions >= {"avx2", "fma"}
    assert ("avx512f" in core.extensions) is bool(core.units_512)
    assert core.halved <= core.extensions
    assert {"fp32", "bf16", "fp16"} <= peaks(core, core.extensions).keys()


def test_a_peak_is_cores_times_units_times_lanes_times_two_times_the_clock() -> None:
    core = named("GenuineIntel", 6, 207)
    found = theoretical(core, Load(2, 2.5e9, "seen under load", ("avx512f", "fma")))
    assert found[0] == Ceiling(
        "gemm_fp32",
        2 * 2 * 16 * 2 * 2.5e9,
        "FLOP/s",
        CeilingKind.THEORETICAL,
        "2 cores x 64 a cycle (2 x 512-bit FMA) x 2.50 GHz (seen under load); "
        f"Sapphire and Emerald Rapids, {core.source}",
    )


def test_what_is_only_assumed_is_said() -> None:
    """Some Xeons of this model number have one unit less; their number does not tell."""
    core = named("GenuineIntel", 6, 85)
    (fp32, *_) = theoretical(core, Load(1, 1e9, "", ("avx512f",)))
    assert "half this peak" in fp32.how


def test_every_record_has_a_source_and_models_of_its_own() -> None:
    assert all(core.source for core in CORES)
    numbers = [(core.vendor, core.family, model) for core in CORES for model in core.models]
    assert len(numbers) == len(set(numbers))
