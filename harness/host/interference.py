"""Whatever on this host can interfere with a measurement: read, not guessed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.analyse.interference import SIGNS, Sign
from harness.domain.run import Host
from harness.hardware import nvidia_smi
from harness.host import conditions
from harness.host.conditions import read
from harness.host.watch import HostWatch, between

_WATCHED_SECONDS = 1.1  # even a single core has enough ticks in this time
_NOT_REPORTED = "not reported by this system"


@dataclass(frozen=True)
class Finding:
    """A condition of the host: its name, its state, and whether it makes numbers noisy."""

    what: str
    value: str
    noisy: bool = False
    advice: str = ""


def findings(host: Host) -> list[Finding]:
    """Everything that this system lets an ordinary user read.

    The interference now comes first, under the names and thresholds that rounds are judged by.
    The machine's settings follow.
    """
    return [*_signs(host), _load(host), _governor(), _turbo(), _smt(host), _virtual(), _swap()]


def _signs(host: Host) -> list[Finding]:
    """The interference that a round of _WATCHED_SECONDS would record now."""
    facts = _watched(host)
    return [_of_sign(sign, facts) for sign in SIGNS if host.gpus or "gpu" not in sign.fact]


def _watched(host: Host) -> Mapping[str, float]:
    watch = HostWatch()
    first = watch.read()
    time.sleep(_WATCHED_SECONDS)
    last = watch.read()
    facts = dict(between(first, last)) if first is not None and last is not None else {}
    if host.gpus:
        every = [str(index) for index in range(len(host.gpus))]
        facts |= {
            **nvidia_smi.others(every),
            **nvidia_smi.held_down(nvidia_smi.clocks(every, "now")),
        }
    return facts


def _of_sign(sign: Sign, facts: Mapping[str, float]) -> Finding:
    if sign.fact not in facts:
        return Finding(sign.what, _NOT_REPORTED)
    amount = facts[sign.fact]
    value = (
        sign.sentence.format(sign.amount(amount)) if amount > sign.threshold else "none seen now"
    )
    return Finding(sign.what, value, amount > sign.threshold, sign.advice)


def _load(host: Host) -> Finding:
    load = os.getloadavg()[0]
    noisy = load > 0.25 * host.logical_cores
    return Finding("load", f"{load:.2f} over the last minute", noisy, "stop other work")


def _governor() -> Finding:
    value = conditions.governor()
    noisy = value not in {None, "performance"}
    return Finding("frequency governor", value or _NOT_REPORTED, noisy, "set it to `performance`")


def _turbo() -> Finding:
    value = conditions.turbo()
    advice = "switch it off for steadier numbers"
    return Finding("turbo", value or _NOT_REPORTED, value == "on", advice)


def _smt(host: Host) -> Finding:
    threads = f"{host.logical_cores} threads on {host.physical_cores} cores"
    shared = host.logical_cores > host.physical_cores
    return Finding("hardware threads", threads, shared, "other work may share a core's units")


def _virtual() -> Finding:
    cpuinfo = read(Path("/proc/cpuinfo")) or ""
    virtual = " hypervisor" in cpuinfo
    value = "yes: neighbours may take time and cache" if virtual else "not seen"
    return Finding("virtual machine", value, virtual, "trust intervals, not single figures")


def _swap() -> Finding:
    used = psutil.swap_memory().used
    return Finding("swap in use", f"{used / 2**20:.0f} MiB", used > 0, "free memory first")
