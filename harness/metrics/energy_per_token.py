"""Energy per token: joules that the device's own counters tell."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("energy_per_token", "measured energy a token, where the hardware counts it")
class EnergyPerToken(Metric):
    """Joules of the sampling phase over all tokens gone through in it, warm-up included.

    Of processor packages and DRAM by RAPL, or of the GPUs alone by NVML: always as counted by the
    hardware, never from a power rating.
    """

    unit = "J"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """Where it was asked for and measurable."""
        joules, tokens = one.facts.get("energy"), one.facts.get("energy_tokens")
        return joules / tokens if joules is not None and tokens else None
