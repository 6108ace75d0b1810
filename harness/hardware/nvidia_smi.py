"""What NVIDIA's driver reports of a GPU beside the work, through nvidia-smi: clocks, neighbours.

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

# Runs nvidia-smi with these arguments; its output, or None where it fails.
Ask: TypeAlias = Callable[[Sequence[str]], str | None]

_CLOCKS = ("clocks.sm", "clocks.mem", "temperature.gpu")
# What keeps the clocks down: the field's name, and what it was before driver 535.
_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
_FACTS = ("host_gpu_clock", "host_gpu_memory_clock", "host_gpu_temperature")
_WORST = (min, min, max)  # of several GPUs

_PATIENCE = 10.0  # seconds

# NVML's clocks event reasons (nvml.h): power cap and power brake; slowdown, which is heat or
# an outside signal, and thermal slowdown by software and by hardware.
_POWER = 0x04 | 0x80
_HEAT = 0x08 | 0x20 | 0x40


def nvidia_smi(arguments: Sequence[str]) -> str | None:
    """Its output; None without it, where it refuses (a field the driver lacks, say), or hangs."""
    if shutil.which("nvidia-smi") is None:
        return None
    try:
        answer = subprocess.run(
            ["nvidia-smi", *arguments, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return answer.stdout if answer.returncode == 0 else None


def clocks(gpus: Sequence[str], when: str, ask: Ask = nvidia_smi) -> Mapping[str, float]:
    """Clocks in MHz, temperature in °C and what holds the clocks down, as facts of that moment.

    `gpus` are indices or UUIDs; of several the slowest's clocks and the hottest's temperature are
    told, and whatever holds any of them down. What the driver does not tell is left out.
    """
    rows = [_row(gpu, ask) for gpu in gpus]
    told = [row.strip().split(",") for row in rows if row is not None]
    return _moment(told, when) if len(told) == len(gpus) else {}


def _row(gpu: str, ask: Ask) -> str | None:
    for reasons in _REASONS:
        answer = ask([f"--query-gpu={','.join((*_CLOCKS, reasons))}", "-i", gpu])
        if answer is not None:
            return answer
    return None


def held_down(facts: Mapping[str, float]) -> Mapping[str, float]:
    """Whether heat or the power limit held the clocks down at either moment, as 1 or 0."""
    seen = [int(value) for name, value in facts.items() if name.startswith("host_gpu_reasons_")]
    if not seen:
        return {}
    return {
        "host_gpu_hot": float(any(one & _HEAT for one in seen)),
        "host_gpu_capped": float(any(one & _POWER for one in seen)),
    }


def others(gpus: Sequence[str], ask: Ask = nvidia_smi) -> Mapping[str, float]:
    """How many processes compute on these GPUs now, asked while none of ours does."""
    answers = [ask(["--query-compute-apps=pid", "-i", gpu]) for gpu in gpus]
    told = [answer.split() for answer in answers if answer is not None]
    if len(told) < len(gpus):
        return {}
    return {"host_gpu_others": float(len(set(chain.from_iterable(told))))}


def _moment(rows: Sequence[Sequence[str]], when: str) -> Mapping[str, float]:
    *figures, reasons = ([field.strip() for field in column] for column in zip(*rows, strict=True))
    told = zip(_FACTS, _WORST, figures, strict=True)
    facts = {
        f"{name}_{when}": float(worst(map(float, values)))
        for name, worst, values in told
        if all(map(_is_number, values))
    }
    if all(one.startswith("0x") for one in reasons):
        facts[f"host_gpu_reasons_{when}"] = float(reduce(or_, (int(one, 16) for one in reasons)))
    return facts


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()  # [N/A] where the card does not tell
