"""The cost of a token in energy and money."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Group, Metric, register
from harness.metrics.speed import TokensPerSecond


@register("energy_per_token", "measured energy per token, if the hardware counts it")
class EnergyPerToken(Metric):
    """Joules of the sampling phase over all tokens processed in it, including warm-up.

    RAPL counts processor packages and DRAM; NVML counts GPUs only. Always measured by the hardware,
    never computed from a power rating.
    """

    unit = "J"
    direction = Direction.LOWER
    group = Group.COST

    def value(self, one: Round) -> float | None:
        """None if energy was not asked for or not measurable."""
        joules, tokens = one.facts.get("energy"), one.facts.get("energy_tokens")
        return joules / tokens if joules is not None and tokens else None


@register("cost_per_million_tokens", "cost of a million tokens at the hardware's hourly price")
class CostPerMillionTokens(Metric):
    """US dollars: the hourly price over the tokens per hour, at this speed and full use."""

    unit = "USD"
    direction = Direction.LOWER
    group = Group.COST

    def value(self, one: Round) -> float | None:
        """None if no price is known."""
        price, rate = one.facts.get("price_per_hour"), TokensPerSecond().value(one)
        return price / 3600 / rate * 1e6 if price and rate else None

    def samples(self, one: Round) -> int:
        """The samples of the speed."""
        return TokensPerSecond().samples(one)
