"""Backends that compute something other than the model, except an honest one beside them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from harness.backends import Backend, register
from harness.model.transformer import DecodeState
from harness.session import Opening, Session
from harness.session.eager import TorchSession


class _Zeros(nn.Module):
    """Runs the model, but returns zeros instead of its logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *given: Any, **named: Any) -> torch.Tensor:
        """Zeros in the shape of the logits."""
        return torch.zeros_like(self.model(*given, **named))


@register("zeros", "returns zeros for logits")
class Zeros(Backend):
    """Wrong, without an error: its logits are finite."""

    def open(self, opening: Opening) -> Session:
        """The model, with its logits thrown away."""
        core = opening.load()
        return TorchSession(_Zeros(core), core, opening.device, opening.batch)


@register("honest", "runs the model unchanged, from an outside package")
class Honest(Backend):
    """The eager backend under another name."""

    def open(self, opening: Opening) -> Session:
        """The unchanged model."""
        core = opening.load()
        return TorchSession(core, core, opening.device, opening.batch)


@register("half", "computes in bfloat16, whatever the cell asks for")
class Half(Backend):
    """Casts silently, as some runtimes do to fp32 models if the processor is faster in bfloat16."""

    def open(self, opening: Opening) -> Session:
        """The model in bfloat16."""
        core = opening.load().to(torch.bfloat16)
        return TorchSession(core, core, opening.device, opening.batch)


class _Forgetful(TorchSession):
    """Reads prompts correctly, but forgets the last token of its state when it decodes."""

    def prefill(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """Lets a single token overwrite the token before it."""
        state = self.state
        if tokens.shape[1] == 1 and isinstance(state, DecodeState) and state.position > 0:
            state.position -= 1
        return super().prefill(tokens)


@register("forgetful", "is wrong only in decode")
class ForgetfulBackend(Backend):
    """Its logits of a whole prompt are right."""

    def open(self, opening: Opening) -> Session:
        """The model, in a session that forgets."""
        core = opening.load()
        return _Forgetful(core, core, opening.device, opening.batch)
