"""The Muon optimizer: momentum with orthogonalized updates (Jordan 2024).

Source: kellerjordan.github.io/posts/muon. The arithmetic is that of torch.optim.Muon with
`adjust_lr_fn="match_rms_adamw"`. But torch always orthogonalizes in bfloat16, which is slow on
processors without bfloat16 instructions; there, this optimizer uses fp32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration
_ITERATIONS = 5
_EPSILON = 1e-7  # keeps the division by the norm finite
_ADAMW_RMS = 0.2  # typical root mean square of an AdamW update


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay, for 2D parameters only."""

    def __init__(
        self,
        matrices: Iterable[torch.Tensor],
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # closures are not supported
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._update(matrix, group)

    def _update(self, matrix: torch.Tensor, group: dict[str, Any]) -> None:
        grad, momentum, rate = matrix.grad, group["momentum"], group["lr"]
        assert grad is not None
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(grad)
        past = state["momentum"]
        past.lerp_(grad, 1 - momentum)
        update = orthogonal(grad.lerp(past, momentum), _format(matrix.device))
        matrix.mul_(1 - rate * group["weight_decay"])
        matrix.add_(update, alpha=-rate * _ADAMW_RMS * math.sqrt(max(matrix.shape)))


def orthogonal(matrix: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """U V^T of the matrix U S V^T [m, n], approximately: its singular values are 0.5 to 1.5."""
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.to(dtype, copy=True)
    x = x.T if tall else x
    x.div_(x.norm().clamp(min=_EPSILON))
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


def _format(device: torch.device) -> torch.dtype:
    """bfloat16 if the device has instructions for it, else fp32."""
    if device.type != "cpu":
        return torch.bfloat16
    fast = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if fast else torch.float32
