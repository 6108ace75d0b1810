"""A user's own torch module, built by the function that a spec names.

docs/extending.md, "Your own model", says what the module must do.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from harness.errors import HarnessError, Unsupported
from harness.model.architectures import FactoryShape
from harness.model.cost import Weights
from harness.model.language import LanguageModel
from harness.model.measure import model_bytes
from harness.model.packed import PackedLinear


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> Any:
    return sdpa_flop_count(query, key, value)


def _attention_backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> Any:
    return sdpa_backward_flop_count(gradient, query, key, value)


# Torch's counter knows no FLOPs for the CPU's attention kernels.
_ON_CPU = "_scaled_dot_product_flash_attention_for_cpu"
_ATTENTION_ON_CPU = {
    getattr(torch.ops.aten, _ON_CPU): _attention,
    getattr(torch.ops.aten, f"{_ON_CPU}_backward"): _attention_backward,
}
# Shown on the cell page beside the figures that a formula gives for built-in models.
COUNTED = (
    "there is no formula for this model: torch's FLOP counter counts its FLOPs, and its bytes "
    "moved include the weights only"
)
_STATE_METHODS = ("reset", "snapshot", "restore")


class FactoryError(HarnessError):
    """The factory cannot be imported or called, or its module breaks the interface."""


def imported(shape: FactoryShape) -> Any:
    """The factory function. Raises FactoryError if it does not exist."""
    module, _, name = shape.factory.partition(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise FactoryError(f"{shape.factory} cannot be imported: {error}") from error
    if not callable(found):
        raise FactoryError(f"{shape.factory}: the module {module} has no function {name}")
    return found


def built(
    shape: FactoryShape, device: torch.device, dtype: torch.dtype = torch.float32, seed: int = 0
) -> FactoryModel:
    """The factory's model, in eval mode. Torch's generators are seeded before the call."""
    factory = imported(shape)
    torch.manual_seed(seed)
    module = factory(**shape.arguments)
    if not isinstance(module, nn.Module):
        raise FactoryError(
            f"{shape.factory} returned a {type(module).__name__}, not a torch module"
        )
    return FactoryModel(shape, module).to(device, dtype).eval()


class FactoryState:
    """The decode state that the user's module made; `own` is None if the module keeps none."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens."""
        if position != 0:
            raise ValueError(
                "rewind goes to position 0 only: use snapshot and restore for other positions"
            )
        if self.own is not None:
            self.own.reset()

    def snapshot(self) -> Any:
        """A snapshot by the user's state."""
        return None if self.own is None else self.own.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Restores the user's state."""
        if self.own is not None:
            self.own.restore(snapshot)

    def bytes(self) -> int | None:
        """Bytes that the user's state reports; None if it reports none."""
        count = getattr(self.own, "bytes", None)
        return None if count is None else int(count())


class FactoryModel(LanguageModel):
    """The user's module, with the interface of the built-in models."""

    shape: FactoryShape

    def __init__(self, shape: FactoryShape, module: nn.Module) -> None:
        super().__init__()
        self.shape, self.module = shape, module
        self.decodes = callable(getattr(module, "new_state", None))

    def forward(
        self, tokens: torch.Tensor, state: FactoryState | None = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone."""
        keywords = {} if state is None or state.own is None else {"state": state.own}
        output = self.module(tokens, **keywords)
        logits = getattr(output, "logits", output)
        if not isinstance(logits, torch.Tensor) or not self._fits(logits, tokens, bool(keywords)):
            shape = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits)
            expected = [*tokens.shape, self.shape.vocab]
            raise FactoryError(f"{self.shape.factory}: its logits are {shape}, not {expected}")
        return logits[:, -1:] if last_only else logits

    def new_state(self, batch: int, capacity: int, further: int = 0) -> FactoryState:
        """The module's decode state. Raises Unsupported if it must decode but keeps no state."""
        if not self.decodes:
            if further:
                raise Unsupported(
                    f"{self.shape.factory} keeps no decode state: its module has no new_state()"
                )
            return FactoryState(None)
        own = self.module.new_state(batch, capacity)  # type: ignore[operator]  # a user's method
        missing = [name for name in _STATE_METHODS if not callable(getattr(own, name, None))]
        if missing:
            raise FactoryError(f"{self.shape.factory}: its state has no {' and no '.join(missing)}")
        return FactoryState(own)

    def _fits(self, logits: torch.Tensor, tokens: torch.Tensor, has_state: bool) -> bool:
        batch, length = tokens.shape
        lengths = (1, length) if has_state else (length,)
        return logits.ndim == 3 and any(
            logits.shape == (batch, one, self.shape.vocab) for one in lengths
        )


def weights_of(model: FactoryModel) -> Weights:
    """Bytes that a pass reads: one row of each embedding per token, and all other weights."""
    tables = {
        id(one.weight): one.weight for one in model.modules() if isinstance(one, nn.Embedding)
    }
    multiplied = {id(one.weight) for one in model.modules() if isinstance(one, nn.Linear)}
    looked_up = [one for key, one in tables.items() if key not in multiplied]
    return Weights(
        body=model_bytes(model) - sum(one.nbytes for one in looked_up),
        head=0.0,
        row=sum(one.shape[1] * one.element_size() for one in tables.values()),
    )


def counted_flops(model: FactoryModel, iteration: Callable[[], object]) -> int:
    """Matrix FLOPs of one iteration over the model, from torch's FLOP counter.

    Attention counts every pair of tokens, masked or not. The counter does not know the kernels of
    packed layers, so each counts as a Linear of its size.
    """
    rows: Counter[PackedLinear] = Counter()

    def count(layer: PackedLinear, args: tuple[torch.Tensor, ...]) -> None:
        rows[layer] += args[0].numel() // layer.in_features

    packed = {
        f"{type(model).__name__}.{path}": one
        for path, one in model.named_modules()
        if isinstance(one, PackedLinear)
    }
    hooks = [one.register_forward_pre_hook(count) for one in packed.values()]
    with FlopCounterMode(display=False, custom_mapping=_ATTENTION_ON_CPU) as counter:
        iteration()
    for hook in hooks:
        hook.remove()
    by_module = counter.get_flop_counts()
    counted = sum(sum(by_module.get(path, {}).values()) for path in packed)
    in_packed = sum(2 * count * layer.multiplications() for layer, count in rows.items())
    return int(counter.get_total_flops()) - counted + in_packed
