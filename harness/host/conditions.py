"""How the processor is set to run: its governor, turbo and clock, as far as Linux tells them."""

from __future__ import annotations

from pathlib import Path

CPU = Path("/sys/devices/system/cpu")


def governor(cpu: Path = CPU) -> str | None:
    """What chooses the clock: `performance`, `powersave`, ..."""
    return read(cpu / "cpu0/cpufreq/scaling_governor")


def turbo(cpu: Path = CPU) -> str | None:
    """Whether the clock may rise above its nominal value: `on` or `off`."""
    boost, no_turbo = read(cpu / "cpufreq/boost"), read(cpu / "intel_pstate/no_turbo")
    if boost is None and no_turbo is None:
        return None
    return "on" if boost == "1" or no_turbo == "0" else "off"


def megahertz(cpu: Path = CPU) -> float | None:
    """The first core's clock now."""
    kilohertz = read(cpu / "cpu0/cpufreq/scaling_cur_freq") or ""
    return int(kilohertz) / 1e3 if kilohertz.isdigit() else None


def read(file: Path) -> str | None:
    """The file's text, stripped; None where it is not there, or not ours to read."""
    try:
        return file.read_text().strip()
    except OSError:
        return None
