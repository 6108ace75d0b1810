"""A backend that computes something else than the model, as fast as it likes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from harness.backends import Backend, register


class _Zeros(nn.Module):
    """Runs the model, and gives zeros for its logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *given: Any, **named: Any) -> torch.Tensor:
        """Zeros of the right shape."""
        return torch.zeros_like(self.model(*given, **named))


@register("zeros", "gives zeros for logits")
class Zeros(Backend):
    """Wrong, and clean to look at."""

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model, its answers thrown away."""
        return _Zeros(model)


@register("honest", "runs the model as it is, from an outside package")
class Honest(Backend):
    """What eager does, under another name."""

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model itself."""
        return model
