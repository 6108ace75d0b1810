"""Logit error: how far compression and precision move the model's output."""

from __future__ import annotations

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Metric, register


@register("logit_error", "relative error of the logits against the dense fp32 model")
class LogitError(Metric):
    """The norm of the difference of the logits over the norm of the dense fp32 model's."""

    unit = "1"
    direction = Direction.LOWER

    def value(self, one: Round) -> float | None:
        """As the process reported it."""
        return one.facts.get("logit_error")
