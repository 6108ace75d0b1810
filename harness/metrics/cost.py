"""What a token costs in energy and in money."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Group, Metric, register
from harness.metrics.speed import TokensPerSecond


@register("energy_per_token", "measured energy a token, where the hardware counts it")
class EnergyPerToken(Metric):
    """Joules of the sampling phase over all tokens gone through in it, warm-up included.

    Of processor packages and DRAM by RAPL, or of the GPUs alone by NVML: always as counted by the
    hardware, never from a power rating.
    """

    unit = "J"
    direction = Direction.LOWER
    group = Group.COST

    def value(self, one: Round) -> float | None:
        """Where it was asked for and measurable."""
        joules, tokens = one.facts.get("energy"), one.facts.get("energy_tokens")
        return joules / tokens if joules is not None and tokens else None


@register("cost_per_million_tokens", "what a million tokens cost at the hardware's price an hour")
class CostPerMillionTokens(Metric):
    """US dollars: the price an hour over the tokens an hour, at this speed and full use."""

    unit = "USD"
    direction = Direction.LOWER
    group = Group.COST

    def value(self, one: Round) -> float | None:
        """Where a price is known."""
        price, rate = one.facts.get("price_per_hour"), TokensPerSecond().value(one)
        return price / 3600 / rate * 1e6 if price and rate else None

    def samples(self, one: Round) -> int:
        """Those the speed is made from."""
        return TokensPerSecond().samples(one)
