"""Records the inputs of a model's layers while it reads text, for calibrated compressions."""

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
    """Statistics of one layer's inputs over all tokens: sums of squares, least and greatest."""

    squares: torch.Tensor  # [in]: the sum of squares of each input
    rows: int = 0
    least: float = 0.0
    most: float = 0.0

    def add(self, x: torch.Tensor) -> None:
        """Add the inputs [..., in] of some tokens."""
        flat = x.detach().float().reshape(-1, x.shape[-1])
        self.squares += flat.square().sum(0)
        self.rows += len(flat)
        self.least = min(self.least, float(flat.min()))
        self.most = max(self.most, float(flat.max()))

    @property
    def magnitudes(self) -> torch.Tensor:
        """[in]: the root mean square of each input."""
        return (self.squares / max(self.rows, 1)).sqrt()


def observe(model: LanguageModel, tokens: torch.Tensor) -> Mapping[str, Inputs]:
    """The inputs of each Linear layer, by path, while the model reads [N, T] token ids."""
    inputs: dict[str, Inputs] = {}

    def hook_for(path: str) -> Any:
        def hook(layer: nn.Linear, args: tuple[torch.Tensor, ...]) -> None:
            if path not in inputs:
                inputs[path] = Inputs(torch.zeros(layer.in_features, device=args[0].device))
            inputs[path].add(args[0])

        return hook

    hooks = [
        module.register_forward_pre_hook(hook_for(path))
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    _read(model, tokens, hooks)
    return inputs


def influences(model: Transformer, tokens: torch.Tensor) -> list[float]:
    """How far each block turns the residual stream: 1 - cos(in, out), averaged over tokens.

    Men et al. 2024 (arXiv 2403.03853), "block influence".
    """
    totals = [0.0] * len(model.blocks)

    def hook_for(place: int) -> Any:
        def hook(_: nn.Module, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
            similarity = torch.cosine_similarity(args[0].float(), out.float(), dim=-1)
            totals[place] += float((1 - similarity).sum())

        return hook

    hooks = [block.register_forward_hook(hook_for(i)) for i, block in enumerate(model.blocks)]
    _read(model, tokens, hooks)
    return [total / tokens.numel() for total in totals]


@torch.inference_mode()
def _read(model: LanguageModel, tokens: torch.Tensor, hooks: Sequence[RemovableHandle]) -> None:
    """Run the model on a few sequences at a time, then remove the hooks."""
    try:
        for batch in tokens.split(_SEQUENCES_AT_ONCE):
            model(batch)
    finally:
        for hook in hooks:
            hook.remove()
