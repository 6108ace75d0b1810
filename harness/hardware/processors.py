"""FLOPs per cycle of processor cores, with the source of each figure.

A processor without a record here has no theoretical peak. Figures are per core, for 512-bit and
256-bit fused multiply-add (FMA) units, which do 2 FLOPs per lane.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from harness.domain.ceiling import FLOPS, Ceiling, CeilingKind, gemm


@dataclass(frozen=True)
class Processor:
    """A processor as /proc/cpuinfo names it."""

    vendor: str  # "GenuineIntel"
    family: int
    model: int

    def __str__(self) -> str:
        return f"{self.vendor} family {self.family} model {self.model}"


@dataclass(frozen=True)
class Core:
    """A kind of core.

    `units_512` counts the 512-bit FMAs that can start in a cycle; two ganged 256-bit units count
    as one. `extensions` are all that the core can have, of those that a Host lists. A virtual
    machine may hide some, but if it shows others it runs on another core. `halved` names extensions
    whose instructions start half as often as an FMA of the same width.
    """

    name: str
    vendor: str
    family: int
    models: frozenset[int]
    units_256: int
    units_512: int
    source: str
    extensions: frozenset[str]
    halved: frozenset[str] = frozenset()
    note: str = ""


@dataclass(frozen=True)
class Extension:
    """An instruction set extension that does more multiply-adds per lane than an fp32 FMA."""

    flag: str  # as Linux spells it
    number_format: str
    width: int  # bits of its registers
    multiple: int  # its FLOPs, as a multiple of those of an fp32 FMA of the same width


@dataclass(frozen=True)
class Tile:
    """An AMX instruction. `flops` are per cycle and core, whatever the vector units do."""

    flag: str
    number_format: str
    flops: int


_WIDTHS = "FMA units: Intel Optimization Reference Manual; stackoverflow.com/a/15657772"
_ZEN = "FMA units: numberworld.org, Zen 4 and Zen 5 AVX-512 teardowns (2022, 2024)"

# Extensions by core: gcc.gnu.org/onlinedocs/gcc/x86-Options.html, under -march.
_AVX2 = frozenset({"avx2", "fma"})
_AVX512 = _AVX2 | {"avx512f", "avx512bw"}
_VNNI = _AVX512 | {"avx512_vnni"}
_BF16 = _VNNI | {"avx512_bf16"}
_ZEN_5 = _BF16 | {"avx_vnni"}
_AMX = _ZEN_5 | {"avx512_fp16", "amx_tile", "amx_bf16", "amx_int8"}

CORES = (
    Core("Haswell", "GenuineIntel", 6, frozenset({60, 63, 69, 70}), 2, 0, _WIDTHS, _AVX2),
    Core("Broadwell", "GenuineIntel", 6, frozenset({61, 71, 79, 86}), 2, 0, _WIDTHS, _AVX2),
    Core(
        "Skylake to Comet Lake",
        "GenuineIntel",
        6,
        frozenset({78, 94, 142, 158, 165, 166}),
        2,
        0,
        _WIDTHS,
        _AVX2,
    ),
    Core(
        "Skylake, Cascade and Cooper Lake servers",
        "GenuineIntel",
        6,
        frozenset({85}),
        2,
        2,
        _WIDTHS,
        _BF16,
        note="Xeon Bronze, Silver and some Gold have one 512-bit unit, and half this peak",
    ),
    Core("Ice Lake servers", "GenuineIntel", 6, frozenset({106, 108}), 2, 2, _WIDTHS, _VNNI),
    Core(
        "Ice, Tiger and Rocket Lake clients",
        "GenuineIntel",
        6,
        frozenset({125, 126, 140, 141, 167}),
        2,
        1,
        _WIDTHS,
        _VNNI,
    ),
    Core(
        "Sapphire and Emerald Rapids",
        "GenuineIntel",
        6,
        frozenset({143, 207}),
        2,
        2,
        f"{_WIDTHS}; avx512_bf16 at half the rate: github.com/libxsmm/tpp-mlir/pull/1025",
        _AMX,
        halved=frozenset({"avx512_bf16"}),
    ),
    Core("Zen and Zen+", "AuthenticAMD", 23, frozenset({1, 8, 17, 24}), 1, 0, _WIDTHS, _AVX2),
    Core("Zen 2", "AuthenticAMD", 23, frozenset({49, 96, 104, 113}), 2, 0, _WIDTHS, _AVX2),
    Core("Zen 3", "AuthenticAMD", 25, frozenset({1, 8, 33, 68, 80}), 2, 0, _ZEN, _AVX2),
    Core(
        "Zen 4", "AuthenticAMD", 25, frozenset({17, 24, 97, 116, 117, 120, 160}), 2, 1, _ZEN, _BF16
    ),
    Core("Zen 5", "AuthenticAMD", 26, frozenset({2, 17, 68}), 2, 2, _ZEN, _ZEN_5),
)

# In a 32-bit lane: two products of bf16 pairs, two fp16 FMAs, four products of int8 pairs.
EXTENSIONS = (
    Extension("avx512_bf16", "bf16", 512, 2),
    Extension("avx512_fp16", "fp16", 512, 2),
    Extension("avx512_vnni", "int8", 512, 4),
    Extension("avx_vnni", "int8", 256, 4),
)

# A product of 16 x 64 bytes by 64 x 16 bytes every 16 cycles: Intel Optimization Reference
# Manual, chapter on AMX.
TILES = (
    Tile("amx_bf16", "bf16", 1024),
    Tile("amx_fp16", "fp16", 1024),
    Tile("amx_int8", "int8", 2048),
)

_FP32_BITS = 32


@dataclass(frozen=True)
class Peak:
    """The most FLOPs per cycle that a core can do in a format, and the instructions it needs."""

    flops: float
    by: str


@dataclass(frozen=True)
class Load:
    """How many cores work, and at which frequency."""

    cores: int
    frequency: float  # Hz
    seen: str  # how the frequency was found
    isa: Collection[str] = field(default_factory=frozenset)


def core_of(processor: Processor | None, isa: Collection[str]) -> Core | None:
    """The record of the processor's core. None if there is no record.

    Also None if the host has extensions that the core cannot have: then the hypervisor presents the
    processor under the number of another.
    """
    core = _recorded(processor)
    return core if core and core.extensions.issuperset(isa) else None


def why_no_core(processor: Processor | None, isa: Collection[str]) -> str | None:
    """Why no record applies to the processor. None if one does."""
    if processor is None:
        return "this system does not report the processor's family and model"
    core = _recorded(processor)
    if core is None:
        return f"there is no record of {processor} (harness/hardware/processors.py)"
    impossible = sorted(set(isa) - core.extensions)
    if not impossible:
        return None
    return (
        f"this host reports {processor}, but has {', '.join(impossible)}, which that core "
        f"({core.name}) cannot have: its FLOPs per cycle are not known"
    )


def peaks(core: Core, isa: Collection[str]) -> Mapping[str, Peak]:
    """The peak of a core with these extensions, by format.

    bf16 and fp16 can always be converted to fp32, so they have at least its peak. int8 has a peak
    only if an extension multiplies it.
    """
    fp32 = _fp32(core, isa)
    if fp32 is None:
        return {}
    best = {
        "fp32": fp32,
        **{half: Peak(fp32.flops, f"{fp32.by} in fp32") for half in ("bf16", "fp16")},
    }
    for number_format, peak in (*_extended(core, isa), *_tiled(isa)):
        if number_format not in best or peak.flops > best[number_format].flops:
            best[number_format] = peak
    return best


def theoretical(core: Core, load: Load) -> tuple[Ceiling, ...]:
    """The peaks of the cores if every unit is busy in every cycle."""
    return tuple(
        Ceiling(
            name=gemm(number_format),
            value=load.cores * peak.flops * load.frequency,
            unit=FLOPS,
            kind=CeilingKind.THEORETICAL,
            how=_derivation(core, load, peak),
        )
        for number_format, peak in peaks(core, load.isa).items()
    )


def _recorded(processor: Processor | None) -> Core | None:
    return next((core for core in CORES if processor is not None and _is(core, processor)), None)


def _is(core: Core, processor: Processor) -> bool:
    return (core.vendor, core.family) == (processor.vendor, processor.family) and (
        processor.model in core.models
    )


def _fp32(core: Core, isa: Collection[str]) -> Peak | None:
    if core.units_512 and "avx512f" in isa:
        return Peak(_fma(core.units_512, 512), f"{core.units_512} x 512-bit FMA")
    if "fma" in isa:
        return Peak(_fma(core.units_256, 256), f"{core.units_256} x 256-bit FMA")
    return None


def _fma(units: float, width: int) -> float:
    """FLOPs per cycle: a multiply and an add in each lane of each unit."""
    return units * (width // _FP32_BITS) * 2


def _extended(core: Core, isa: Collection[str]) -> list[tuple[str, Peak]]:
    units = {256: core.units_256, 512: core.units_512}
    return [
        (
            extension.number_format,
            Peak(
                _fma(units[extension.width], extension.width)
                * extension.multiple
                * (0.5 if extension.flag in core.halved else 1.0),
                extension.flag,
            ),
        )
        for extension in EXTENSIONS
        if extension.flag in isa and units[extension.width]
    ]


def _tiled(isa: Collection[str]) -> list[tuple[str, Peak]]:
    return [(tile.number_format, Peak(tile.flops, tile.flag)) for tile in TILES if tile.flag in isa]


def _derivation(core: Core, load: Load, peak: Peak) -> str:
    """How the peak is computed, e.g. `2 cores x 64 a cycle (2 x 512-bit FMA) x 2.50 GHz`."""
    cores = "1 core" if load.cores == 1 else f"{load.cores} cores"
    arithmetic = f"{cores} x {peak.flops:g} a cycle ({peak.by}) x {load.frequency / 1e9:.2f} GHz"
    note = f"; {core.note}" if core.note else ""
    return f"{arithmetic} ({load.seen}); {core.name}, {core.source}{note}"
