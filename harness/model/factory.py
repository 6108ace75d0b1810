"""A user's own torch module, built by the function that a spec names.

What the module must do is in docs/extending.md, "Your own model".
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


# The counter's own table lacks what processors run.
_ON_CPU = "_scaled_dot_product_flash_attention_for_cpu"
_ATTENTION_ON_CPU = {
    getattr(torch.ops.aten, _ON_CPU): _attention,
    getattr(torch.ops.aten, f"{_ON_CPU}_backward"): _attention_backward,
}
# What a cell's page says of figures that a built-in model's arithmetic gives.
COUNTED = (
    "no formula gives this model's work: torch's FLOP counter counts its FLOPs, and its bytes "
    "moved are those of its weights alone"
)
_STATE_METHODS = ("reset", "snapshot", "restore")


class FactoryError(HarnessError):
    """The factory cannot be imported or called, or its module does not do what it must."""


def imported(shape: FactoryShape) -> Any:
    """The factory itself. FactoryError if there is none of its name."""
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
    """What the factory makes, in eval mode. It is called with torch's generators seeded."""
    factory = imported(shape)
    torch.manual_seed(seed)
    module = factory(**shape.arguments)
    if not isinstance(module, nn.Module):
        raise FactoryError(f"{shape.factory} gave a {type(module).__name__}, not a torch module")
    return FactoryModel(shape, module).to(device, dtype).eval()


class FactoryState:
    """A decode state of the user's own kind; of a model that keeps none, nothing."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def rewind(self, position: int = 0) -> None:
        """Forget all tokens."""
        if position != 0:
            raise ValueError("a state goes back to a position by snapshot and restore")
        if self.own is not None:
            self.own.reset()

    def snapshot(self) -> Any:
        """The state's own."""
        return None if self.own is None else self.own.snapshot()

    def restore(self, snapshot: Any) -> None:
        """The state's own."""
        if self.own is not None:
            self.own.restore(snapshot)

    def bytes(self) -> int | None:
        """Of a state that counts them."""
        count = getattr(self.own, "bytes", None)
        return None if count is None else int(count())


class FactoryModel(LanguageModel):
    """The user's module, driven as the built-in ones are."""

    shape: FactoryShape

    def __init__(self, shape: FactoryShape, module: nn.Module) -> None:
        super().__init__()
        self.shape, self.module = shape, module
        self.decodes = callable(getattr(module, "new_state", None))

    def forward(
        self, tokens: torch.Tensor, state: FactoryState | None = None, last_only: bool = False
    ) -> torch.Tensor:
        """[B, T] token ids -> [B, T, vocab] logits, or [B, 1, vocab] of the last token alone."""
        given = {} if state is None or state.own is None else {"state": state.own}
        found = self.module(tokens, **given)
        logits = getattr(found, "logits", found)
        if not isinstance(logits, torch.Tensor) or not self._fits(logits, tokens, bool(given)):
            shape = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits)
            expected = [*tokens.shape, self.shape.vocab]
            raise FactoryError(f"{self.shape.factory}: its logits are {shape}, not {expected}")
        return logits[:, -1:] if last_only else logits

    def new_state(self, batch: int, capacity: int, further: int = 0) -> FactoryState:
        """The module's own; nothing if it keeps none. Unsupported if it must decode without one."""
        if not self.decodes:
            if further:
                raise Unsupported(
                    f"{self.shape.factory} keeps no decode state: its module has no new_state()"
                )
            return FactoryState(None)
        own = self.module.new_state(batch, capacity)  # type: ignore[operator]  # any module's
        lacking = [name for name in _STATE_METHODS if not callable(getattr(own, name, None))]
        if lacking:
            raise FactoryError(f"{self.shape.factory}: its state has no {' and no '.join(lacking)}")
        return FactoryState(own)

    def _fits(self, logits: torch.Tensor, tokens: torch.Tensor, has_state: bool) -> bool:
        batch, length = tokens.shape
        lengths = (1, length) if has_state else (length,)
        return logits.ndim == 3 and any(
            logits.shape == (batch, one, self.shape.vocab) for one in lengths
        )


def weights_of(model: FactoryModel) -> Weights:
    """Bytes that a pass reads: a row of each embedding for a token, everything else whole."""
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
    """Matrix FLOPs of one iteration over the model, by torch's FLOP counter.

    Attention counts every pair of tokens, masked or not. The kernels of packed layers are unknown
    to the counter: each counts what a Linear of its size does.
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
    inside = counter.get_flop_counts()
    seen = sum(sum(inside.get(path, {}).values()) for path in packed)
    of_packed = sum(2 * count * layer.multiplications() for layer, count in rows.items())
    return int(counter.get_total_flops()) - seen + of_packed
