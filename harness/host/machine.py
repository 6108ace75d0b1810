"""This host's hardware: processor, instruction sets, memory, GPUs."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import psutil

from harness.domain.run import Gpu, Host
from harness.hardware.processors import Processor

CPUINFO = Path("/proc/cpuinfo")

# Extensions that libraries choose matrix kernels by, as Linux spells them.
_ISA = (
    "avx2",
    "fma",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_bf16",
    "amx_fp16",
    "amx_int8",
    "asimd",
    "asimddp",
    "bf16",
    "i8mm",
    "sve",
    "sve2",
)


def this_host() -> Host:
    """The machine this process runs on."""
    flags = _cpu_fields()
    features = set((flags.get("flags") or flags.get("Features") or "").split())
    logical = psutil.cpu_count() or 1
    return Host(
        cpu=flags.get("model name") or platform.processor() or "unknown processor",
        architecture=platform.machine(),
        physical_cores=psutil.cpu_count(logical=False) or logical,
        logical_cores=logical,
        isa=tuple(name for name in _ISA if name in features),
        memory_bytes=psutil.virtual_memory().total,
        system=platform.system(),
        gpus=_gpus(),
    )


def this_processor() -> Processor | None:
    """This host's processor by vendor, family and model. None if the system reports none."""
    fields = _cpu_fields()
    numbers = [fields.get(key, "") for key in ("cpu family", "model")]
    if not all(number.isdigit() for number in numbers):
        return None
    family, model = map(int, numbers)
    return Processor(fields.get("vendor_id", ""), family, model)


def _cpu_fields() -> dict[str, str]:
    """The first processor's fields in /proc/cpuinfo. Empty if there is no such file."""
    if not CPUINFO.exists():
        return {}
    first = CPUINFO.read_text().split("\n\n", 1)[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that the driver lists. Asking the driver saves importing torch."""
    if shutil.which("nvidia-smi") is None:
        return ()
    query = "--query-gpu=name,memory.total,driver_version"
    answer = subprocess.run(
        ["nvidia-smi", query, "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,  # it fails if there is no driver; then there is no usable GPU either
    )
    if answer.returncode != 0:
        return ()
    return tuple(_gpu(line) for line in answer.stdout.splitlines() if line.strip())


def _gpu(line: str) -> Gpu:
    name, mebibytes, driver = (part.strip() for part in line.split(","))
    return Gpu(name, int(mebibytes) * 2**20, driver)
