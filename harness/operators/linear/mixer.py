"""Linear attention: a running sum over the past instead of a softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import nn
from torch.nn.functional import pad

from harness.model.mixer import LayerState, TokenMixer
from harness.model.shape import Shape

FeatureMap: TypeAlias = Callable[[torch.Tensor], torch.Tensor]

_TINY = 1e-6  # the sum of weights is zero if no feature is active


class Sums(LayerState):
    """The sum of phi(k) [v, 1]^T over all tokens so far: [B, H, d, d + 1], always in fp32.

    The sum grows: in bfloat16 it would stop changing after about 256 tokens.
    """

    def __init__(self, shape: Shape, batch: int, device: torch.device) -> None:
        size = (batch, shape.heads, shape.d_head, shape.d_head + 1)
        self.total = torch.zeros(size, device=device, dtype=torch.float32)

    def snapshot(self, position: int) -> torch.Tensor:
        """A copy of the sum."""
        return self.total.clone()

    def restore(self, snapshot: torch.Tensor) -> None:
        """Copy the sum back."""
        self.total.copy_(snapshot)


class LinearAttention(TokenMixer):
    """phi(q) . sum of phi(k) v^T over the past, over phi(q) . sum of phi(k)."""

    def __init__(self, shape: Shape, features: FeatureMap, chunk: int) -> None:
        super().__init__()
        self._shape, self._features, self._chunk = shape, features, chunk
        self.qkv = nn.Linear(shape.d_model, 3 * shape.d_model)
        self.out = nn.Linear(shape.d_model, shape.d_model)

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> Sums:
        """Sums over no tokens yet."""
        return Sums(self._shape, batch, device)

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        batch, length, width = x.shape
        heads = (batch, length, 3, self._shape.heads, self._shape.d_head)
        query, key, value = self.qkv(x).view(heads).permute(2, 0, 3, 1, 4)  # each [B, H, T, d]
        query, key = self._features(query), self._features(key)
        value = pad(value, (0, 1), value=1.0)  # the last column sums the weights
        assert state is None or isinstance(state, Sums)
        if state is not None and past == 0:
            state.total.zero_()
        total = None if state is None else state.total
        if length == 1:
            weighed = _step(query, key, value, total)
        else:
            weighed = _parallel(query, key, value, min(self._chunk, length), total)
        mixed = weighed[..., :-1] / (weighed[..., -1:] + _TINY)  # [B, H, T, d]
        out: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return out

    @property
    def residual_projection(self) -> nn.Linear:
        """The output projection."""
        return self.out


def _step(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, total: torch.Tensor | None
) -> torch.Tensor:
    """One token: [B, H, 1, d + 1]. Adds it to the total."""
    own = key.transpose(-1, -2).float() @ value.float()
    total = own if total is None else total.add_(own)
    return (query.float() @ total).to(query.dtype)


def _parallel(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    chunk: int,
    total: torch.Tensor | None,
) -> torch.Tensor:
    """[B, H, T, d + 1]: all pairs within each chunk, plus the sum over all earlier chunks."""
    length = query.shape[2]
    surplus = -length % chunk
    query, key, value = (  # [B, H, n, c, d or d + 1]; padding adds nothing
        pad(one, (0, 0, 0, surplus)).unflatten(2, (-1, chunk)) for one in (query, key, value)
    )
    sums = (key.transpose(-1, -2) @ value).float()  # [B, H, n, d, d + 1]
    first = torch.zeros_like(sums[:, :, :1]) if total is None else total.unsqueeze(2)
    # Leave out each chunk's own sum exactly: it contains later tokens.
    before = torch.cat((first, sums[:, :, :-1]), dim=2).cumsum(dim=2)
    if total is not None:
        total.copy_(before[:, :, -1] + sums[:, :, -1])
    within = (query @ key.transpose(-1, -2)).tril() @ value
    weighed = within + query @ before.to(query.dtype)
    return weighed.flatten(2, 3)[:, :, :length]
