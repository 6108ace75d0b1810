"""Rounds weights to few-bit integers: scales and zero points.

A weight w is stored as an integer q with w ~ scale (q - zero). Symmetric: zero is 0, and the scale
is the greatest magnitude divided by the greatest integer. Asymmetric: scale and zero map the range
from least to greatest weight onto all integers. Jacob et al. 2018 (arXiv 1712.05877), section 2.1.
"""

from __future__ import annotations

import torch

_TINY = 1e-12  # a row of zeros has no range to divide by


def symmetric(weight: torch.Tensor, bits: int, dim: int | None) -> torch.Tensor:
    """One scale per row along `dim`, which is kept with size 1; a single scale for None."""
    top = 2 ** (bits - 1) - 1
    magnitude = weight.abs().amax(dim, keepdim=True) if dim is not None else weight.abs().amax()
    scale: torch.Tensor = (magnitude / top).clamp_min(_TINY)
    return scale


def asymmetric(
    weight: torch.Tensor, bits: int, dim: int | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scales and integral zero points for signed integers; a weight of zero stays exact."""
    least, most = (
        (weight.amin(dim, keepdim=True), weight.amax(dim, keepdim=True))
        if dim is not None
        else (weight.amin(), weight.amax())
    )
    least, most = least.clamp_max(0), most.clamp_min(0)
    steps, low = 2**bits - 1, -(2 ** (bits - 1))
    scale = ((most - least) / steps).clamp_min(_TINY)
    zero = (low - least / scale).round().clamp(low, low + steps)
    return scale, zero


def quantised(
    weight: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor | float, bits: int
) -> torch.Tensor:
    """The nearest integers, as int8."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return (weight / scale + zero).round().clamp(low, high).to(torch.int8)
