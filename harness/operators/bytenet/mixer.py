"""A causal dilated convolution between two projections, as in ByteNet's residual blocks."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import pad, relu

from harness.model.mixer import LayerState, TokenMixer
from harness.model.rolling import Rolling
from harness.model.shape import Shape


class DilatedConvolution(TokenMixer):
    """Token t sees t, t - dilation, ..., t - (kernel - 1) dilation, at half the width."""

    def __init__(self, shape: Shape, kernel: int, dilation: int) -> None:
        super().__init__()
        self._inner = inner_width(shape)
        self._kernel, self._dilation = kernel, dilation
        self.narrow = nn.Linear(shape.d_model, self._inner)
        self.norm_in = nn.LayerNorm(self._inner)
        # One product over the concatenated tokens: kernel x inner -> inner.
        self.convolve = nn.Linear(kernel * self._inner, self._inner)
        self.norm_out = nn.LayerNorm(self._inner)
        self.widen = nn.Linear(self._inner, shape.d_model)

    @property
    def _reach(self) -> int:
        return (self._kernel - 1) * self._dilation

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> Rolling:
        """The tokens within the convolution's reach: [B, (kernel - 1) dilation, inner]."""
        return Rolling(torch.zeros(batch, self._reach, self._inner, device=device, dtype=dtype))

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        """[B, T, D] -> [B, T, D]."""
        new = relu(self.norm_in(self.narrow(x)))  # [B, T, inner]
        held = new
        if state is not None:
            assert isinstance(state, Rolling)
            held = torch.cat((state.last(min(past, self._reach), past), new), dim=1)
            state.add(new, past)
        length = x.shape[1]
        held = pad(held, (0, 0, self._reach + length - held.shape[1], 0))
        offsets = range(0, self._reach + 1, self._dilation)
        seen = torch.cat([held[:, offset : offset + length] for offset in offsets], dim=-1)
        out: torch.Tensor = self.widen(relu(self.norm_out(self.convolve(seen))))
        return out

    @property
    def residual_projection(self) -> nn.Linear:
        """The projection back to the model's width."""
        return self.widen


def inner_width(shape: Shape) -> int:
    """The convolution's width: half the model's, as in Kalchbrenner et al. 2016, Figure 3."""
    return max(1, shape.d_model // 2)
