"""The processor's settings that Linux reports: governor, turbo and frequency."""

from __future__ import annotations

from pathlib import Path

CPU = Path("/sys/devices/system/cpu")


def governor(cpu: Path = CPU) -> str | None:
    """The policy that chooses the frequency: `performance`, `powersave`, ..."""
    return read(cpu / "cpu0/cpufreq/scaling_governor")


def turbo(cpu: Path = CPU) -> str | None:
    """`on` if the frequency may rise above its nominal value, else `off`."""
    boost, no_turbo = read(cpu / "cpufreq/boost"), read(cpu / "intel_pstate/no_turbo")
    if boost is None and no_turbo is None:
        return None
    return "on" if boost == "1" or no_turbo == "0" else "off"


def megahertz(cpu: Path = CPU) -> float | None:
    """The current frequency of the first core."""
    kilohertz = read(cpu / "cpu0/cpufreq/scaling_cur_freq") or ""
    return int(kilohertz) / 1e3 if kilohertz.isdigit() else None


def read(file: Path) -> str | None:
    """The file's text, stripped. None if the file does not exist or is not readable."""
    try:
        return file.read_text().strip()
    except OSError:
        return None
