"""Cost per million tokens, by the price of an hour of the hardware."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register
from harness.metrics.tokens_per_second import TokensPerSecond


@register("cost_per_million_tokens", "what a million tokens cost at the hardware's price an hour")
class CostPerMillionTokens(Metric):
    """US dollars: the price an hour over the tokens an hour, at this speed and full use."""

    unit = "USD"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """Where a price is known."""
        price, rate = one.facts.get("price_per_hour"), TokensPerSecond().value(one)
        return price / 3600 / rate * 1e6 if price and rate else None

    def samples(self, one: Round) -> int:
        """Those the speed is made from."""
        return TokensPerSecond().samples(one)
