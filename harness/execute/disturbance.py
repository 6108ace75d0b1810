"""What on this host can disturb a measurement: read, not guessed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.domain.run import Host

_CPU = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is, how it stands, and whether it makes numbers noisy."""

    what: str
    value: str
    noisy: bool = False
    advice: str = ""


def findings(host: Host) -> list[Finding]:
    """All that this system lets an ordinary user read."""
    return [_load(host), _governor(), _turbo(), _smt(host), _virtual(), _swap(), _steal()]


def _load(host: Host) -> Finding:
    load = os.getloadavg()[0]
    noisy = load > 0.25 * host.logical_cores
    return Finding("load", f"{load:.2f} over the last minute", noisy, "stop other work")


def _governor() -> Finding:
    value = _read(_CPU / "cpu0/cpufreq/scaling_governor")
    if value is None:
        return Finding("frequency governor", "not told by this system")
    noisy = value != "performance"
    return Finding("frequency governor", value, noisy, "set it to `performance`")


def _turbo() -> Finding:
    boost = _read(_CPU / "cpufreq/boost")
    no_turbo = _read(_CPU / "intel_pstate/no_turbo")
    if boost is None and no_turbo is None:
        return Finding("turbo", "not told by this system")
    on = boost == "1" or no_turbo == "0"
    return Finding("turbo", "on" if on else "off", on, "switch it off for steadier numbers")


def _smt(host: Host) -> Finding:
    threads = f"{host.logical_cores} threads on {host.physical_cores} cores"
    shared = host.logical_cores > host.physical_cores
    return Finding("hardware threads", threads, shared, "other work may share a core's units")


def _virtual() -> Finding:
    cpuinfo = _read(Path("/proc/cpuinfo")) or ""
    virtual = " hypervisor" in cpuinfo
    value = "yes: neighbours may take time and cache" if virtual else "not seen"
    return Finding("virtual machine", value, virtual, "trust intervals, not single figures")


def _swap() -> Finding:
    used = psutil.swap_memory().used
    return Finding("swap in use", f"{used / 2**20:.0f} MiB", used > 0, "free memory first")


def _steal() -> Finding:
    times = psutil.cpu_times()
    steal = getattr(times, "steal", None)
    if steal is None:
        return Finding("steal time", "not told by this system")
    share = steal / sum(times)
    return Finding("steal time", f"{share:.2%} since boot", share > 0.005, "the host is shared")


def _read(file: Path) -> str | None:
    try:
        return file.read_text().strip()
    except OSError:  # not there, or not ours to read: untold either way
        return None
