"""Backends that compute something else than the model, as fast as they like."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from harness.backends import Backend, register
from harness.model.transformer import DecodeState
from harness.session import Opening, Session
from harness.session.eager import TorchSession


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

    def open(self, opening: Opening) -> Session:
        """The model, its answers thrown away."""
        core = opening.load()
        return TorchSession(_Zeros(core), core, opening.device, opening.batch)


@register("honest", "runs the model as it is, from an outside package")
class Honest(Backend):
    """What eager does, under another name."""

    def open(self, opening: Opening) -> Session:
        """The model itself."""
        core = opening.load()
        return TorchSession(core, core, opening.device, opening.batch)


@register("half", "computes in bfloat16, whatever the cell asks for")
class Half(Backend):
    """What some runtimes do to fp32 models without a word, where the processor is faster in it."""

    def open(self, opening: Opening) -> Session:
        """The model in bfloat16."""
        core = opening.load().to(torch.bfloat16)
        return TorchSession(core, core, opening.device, opening.batch)


class _Forgetful(TorchSession):
    """Reads prompts well, and forgets the last token of its state when it decodes."""

    def prefill(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """A single token overwrites the one before it."""
        state = self.state
        if tokens.shape[1] == 1 and isinstance(state, DecodeState) and state.position > 0:
            state.position -= 1
        return super().prefill(tokens)


@register("forgetful", "is wrong in decode alone")
class ForgetfulBackend(Backend):
    """Its logits of a whole prompt are right."""

    def open(self, opening: Opening) -> Session:
        """The model, driven wrongly."""
        core = opening.load()
        return _Forgetful(core, core, opening.device, opening.batch)
