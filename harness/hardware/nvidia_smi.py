"""Reads a GPU's clocks, temperature and other processes from the driver, through nvidia-smi.

A call takes some 50 ms and computes nothing on the GPU.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from typing import TypeAlias

# Runs nvidia-smi with these arguments, and returns its output, or None if it fails.
Ask: TypeAlias = Callable[[Sequence[str]], str | None]

_CLOCKS = ("clocks.sm", "clocks.mem", "temperature.gpu")
# The field with the reasons that hold the clocks down, and its name before driver 535.
_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
_FACTS = ("host_gpu_clock", "host_gpu_memory_clock", "host_gpu_temperature")
_WORST = (min, min, max)  # how the values of several GPUs are combined

_TIMEOUT = 10.0  # seconds

# NVML's clocks event reasons (nvml.h). Power: power cap and power brake. Heat: slowdown, by heat
# or an outside signal, and thermal slowdown, by software or by hardware.
_POWER = 0x04 | 0x80
_HEAT = 0x08 | 0x20 | 0x40


def nvidia_smi(arguments: Sequence[str]) -> str | None:
    """Its output. None if it is missing, hangs, or fails (the driver may lack a field, say)."""
    if shutil.which("nvidia-smi") is None:
        return None
    try:
        answer = subprocess.run(
            ["nvidia-smi", *arguments, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return answer.stdout if answer.returncode == 0 else None


def clocks(gpus: Sequence[str], when: str, ask: Ask = nvidia_smi) -> Mapping[str, float]:
    """Clocks in MHz, temperature in °C and the reasons that hold the clocks down, as facts.

    The facts' names end in `when`. `gpus` are indices or UUIDs. Of several GPUs, the facts give the
    lowest clocks, the highest temperature and all reasons. Values that the driver does not report
    are left out.
    """
    answers = [_row(gpu, ask) for gpu in gpus]
    rows = [answer.strip().split(",") for answer in answers if answer is not None]
    return _worst(rows, when) if len(rows) == len(gpus) else {}


def _row(gpu: str, ask: Ask) -> str | None:
    for reasons in _REASONS:
        answer = ask([f"--query-gpu={','.join((*_CLOCKS, reasons))}", "-i", gpu])
        if answer is not None:
            return answer
    return None


def held_down(facts: Mapping[str, float]) -> Mapping[str, float]:
    """Whether heat or the power limit held the clocks down at any reading, as 1 or 0."""
    masks = [int(value) for name, value in facts.items() if name.startswith("host_gpu_reasons_")]
    if not masks:
        return {}
    return {
        "host_gpu_hot": float(any(mask & _HEAT for mask in masks)),
        "host_gpu_capped": float(any(mask & _POWER for mask in masks)),
    }


def others(gpus: Sequence[str], ask: Ask = nvidia_smi) -> Mapping[str, float]:
    """How many processes compute on these GPUs now. Call it while none of ours does."""
    answers = [ask(["--query-compute-apps=pid", "-i", gpu]) for gpu in gpus]
    pids = [answer.split() for answer in answers if answer is not None]
    if len(pids) < len(gpus):
        return {}
    return {"host_gpu_others": float(len(set(chain.from_iterable(pids))))}


def _worst(rows: Sequence[Sequence[str]], when: str) -> Mapping[str, float]:
    *figures, reasons = ([field.strip() for field in column] for column in zip(*rows, strict=True))
    facts = {
        f"{name}_{when}": float(worst(map(float, values)))
        for name, worst, values in zip(_FACTS, _WORST, figures, strict=True)
        if all(map(_is_number, values))
    }
    if all(mask.startswith("0x") for mask in reasons):
        facts[f"host_gpu_reasons_{when}"] = float(reduce(or_, (int(mask, 16) for mask in reasons)))
    return facts


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()  # the driver prints [N/A] if it lacks a value
