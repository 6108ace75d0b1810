"""A machine is the same after a boot, and another one with other hardware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from harness.domain.run import Host
from harness.host import machine

Boot = Callable[..., Host]

CPUINFO = """processor\t: {processor}
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: {model}
stepping\t: 8
microcode\t: {microcode}
cpu MHz\t\t: {megahertz}
cache size\t: 107520 KB
flags\t\t: {flags}
bogomips\t: {bogomips}
"""
FLAGS = "fpu sse2 avx2 fma avx512f avx512bw avx512_vnni amx_tile amx_bf16 amx_int8"


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Boot:
    """Starts a made-up machine, and reads who it is."""

    def boot(
        *,
        model: str = "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
        cores: int = 8,
        memory: int = 64 * 2**30,
        free: int = 50 * 2**30,
        microcode: str = "0x2b000571",
        megahertz: str = "2699.998",
        bogomips: str = "5399.99",
        flags: str = FLAGS,
    ) -> Host:
        file = tmp_path / "cpuinfo"
        fields = {"model": model, "microcode": microcode, "flags": flags, "bogomips": bogomips}
        listed = [
            CPUINFO.format(processor=core, megahertz=megahertz, **fields) for core in range(cores)
        ]
        file.write_text("\n".join(listed) + "\n")
        monkeypatch.setattr(machine, "CPUINFO", file)
        monkeypatch.setattr(machine, "_gpus", tuple)
        monkeypatch.setattr(
            psutil, "cpu_count", lambda logical=True: cores if logical else cores // 2
        )
        monkeypatch.setattr(
            psutil,
            "virtual_memory",
            lambda: SimpleNamespace(total=memory, available=free, free=free),
        )
        return machine.this_host()

    return boot


def test_a_boot_changes_no_fingerprint(boot: Boot) -> None:
    """Other bogomips, frequency, microcode and free memory; flags in another order."""
    before = boot()
    after = boot(
        memory=64 * 2**30 - 3 * 2**20,
        free=7 * 2**30,
        microcode="0x2b0005c0",
        megahertz="3300.123",
        bogomips="5406.21",
        flags=" ".join(reversed(FLAGS.split())) + " tsc_known_freq",
    )
    assert after.fingerprint == before.fingerprint
    assert before.isa == tuple(name for name in FLAGS.split() if name not in ("fpu", "sse2"))


@pytest.mark.parametrize(
    "changed",
    [
        {"cores": 16},
        {"model": "AMD EPYC 9B14"},
        {"flags": FLAGS.replace(" amx_tile", "")},
        {"memory": 128 * 2**30},
    ],
)
def test_other_hardware_is_another_host(boot: Boot, changed: dict[str, object]) -> None:
    assert boot(**changed).fingerprint != boot().fingerprint
