"""What goes into a model's Linear layers while it reads text: for calibrated compressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from harness.model.language import LanguageModel
from harness.model.transformer import Transformer

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle

_SEQUENCES_AT_ONCE = 8


@dataclass
class Inputs:
    """Of one layer: over all tokens read, of each input the sum of squares; least and most."""

    squares: torch.Tensor  # [in]
    rows: int = 0
    least: float = 0.0
    most: float = 0.0

    def see(self, x: torch.Tensor) -> None:
        """Add some inputs, [..., in]."""
        flat = x.detach().float().reshape(-1, x.shape[-1])
        self.squares += flat.square().sum(0)
        self.rows += len(flat)
        self.least = min(self.least, float(flat.min()))
        self.most = max(self.most, float(flat.max()))

    @property
    def magnitudes(self) -> torch.Tensor:
        """[in]: the root of the mean square of each input."""
        return (self.squares / max(self.rows, 1)).sqrt()


def observe(model: LanguageModel, tokens: torch.Tensor) -> Mapping[str, Inputs]:
    """Of each Linear layer, by path, what comes in while the model reads [N, T] token ids."""
    seen: dict[str, Inputs] = {}

    def watch(path: str) -> Any:
        def hook(layer: nn.Linear, args: tuple[torch.Tensor, ...]) -> None:
            if path not in seen:
                seen[path] = Inputs(torch.zeros(layer.in_features, device=args[0].device))
            seen[path].see(args[0])

        return hook

    hooks = [
        module.register_forward_pre_hook(watch(path))
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    _read(model, tokens, hooks)
    return seen


def influences(model: Transformer, tokens: torch.Tensor) -> list[float]:
    """Of each block, how far it turns the residual stream: 1 - cos(in, out), mean over tokens.

    Men et al. 2024 (arXiv 2403.03853), "block influence".
    """
    totals = [0.0] * len(model.blocks)

    def watch(place: int) -> Any:
        def hook(_: nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
            likeness = torch.cosine_similarity(args[0].float(), out.float(), dim=-1)
            totals[place] += float((1 - likeness).sum())

        return hook

    hooks = [block.register_forward_hook(watch(i)) for i, block in enumerate(model.blocks)]
    _read(model, tokens, hooks)
    return [total / tokens.numel() for total in totals]


@torch.inference_mode()
def _read(model: LanguageModel, tokens: torch.Tensor, hooks: Sequence[RemovableHandle]) -> None:
    """Some sequences at a time, with these hooks, which then go."""
    try:
        for some in tokens.split(_SEQUENCES_AT_ONCE):
            model(some)
    finally:
        for hook in hooks:
            hook.remove()
