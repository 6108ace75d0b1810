"""Eager: torch's own interpreter, one kernel at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.backends import Backend, register

if TYPE_CHECKING:
    from torch import nn


@register("eager", "torch, one kernel at a time")
class Eager(Backend):
    """Runs the model as it is."""

    reference = True
    splits = True

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model itself."""
        return model
