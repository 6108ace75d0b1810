"""A runtime that is not a torch module: GPT in NumPy, with its own KV cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.backends import Backend, register
from harness.domain.cell import Cell
from harness.domain.run import Host
from harness.session import Opening, Session

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, np.dtype[np.float32]]


@register("outside-numpy", "GPT in NumPy, from an outside package")
class OutsideNumpy(Backend):
    """Runs decoders in fp32 on the processor. It cannot train."""

    executes_modules = False

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Refuses cells that it has no code for."""
        if reason := super().unsupported(cell, host):
            return reason
        if cell.precision.name != "fp32":
            return f"outside-numpy computes in fp32, not in {cell.precision}"
        if cell.model.name.startswith("encoder"):
            return f"outside-numpy runs decoders, not {cell.model.name}"
        return "outside-numpy does not train" if cell.scenario.name == "train" else None

    def open(self, opening: Opening) -> Session:
        """Copies the weights, and frees the torch model."""
        state = opening.load().state_dict()
        weights = {name: tensor.numpy().copy() for name, tensor in state.items()}
        return NumpySession(weights, opening)


class NumpySession(Session):
    """Token ids are NumPy arrays [B, T]. The KV cache has one array per layer, [2, B, H, S, d]."""

    def __init__(self, weights: dict[str, Array], opening: Opening) -> None:
        self._w, self._shape = weights, opening.dimensions
        self.device, self.batch = opening.device, opening.batch
        self._cache: list[Array] = []
        self._position = 0
        self._last: Array | None = None

    def place(self, tokens: torch.Tensor) -> Any:
        return tokens.numpy()

    def ids(self, tokens: Any) -> torch.Tensor:
        import torch

        return torch.from_numpy(tokens)

    def start(self, capacity: int, further: int = 0) -> None:
        super().start(capacity, further)
        self._cache, self._position = self._empty(self.batch, capacity), 0

    def prefill(self, tokens: Any) -> Any:
        self._last = self._forward(tokens, self._cache, self._position)[:, -1:]
        self._position += tokens.shape[1]
        return self._last

    def decode(self, tokens: Any) -> Any:
        return self.prefill(tokens).argmax(-1)

    def reset(self) -> None:
        self._position = 0

    def snapshot(self) -> int:
        return self._position  # later tokens overwrite the cache behind it

    def restore(self, snapshot: int) -> None:
        self._position = snapshot

    def last_output(self) -> torch.Tensor | None:
        import torch

        return None if self._last is None else torch.from_numpy(self._last)

    def logits(self, tokens: torch.Tensor) -> torch.Tensor | None:
        import torch

        return torch.from_numpy(self._forward(tokens.numpy(), self._empty(*tokens.shape), 0))

    def state_bytes(self) -> float | None:
        return float(sum(layer.nbytes for layer in self._cache))

    def _empty(self, batch: int, capacity: int) -> list[Array]:
        shape = self._shape
        size = (2, batch, shape.heads, capacity, shape.d_head)
        return [np.zeros(size, np.float32) for _ in range(shape.layers)]

    def _forward(self, tokens: Any, cache: list[Array], past: int) -> Array:
        """[B, T] ids -> logits [B, T, V]."""
        length = tokens.shape[1]
        x = self._w["wte.weight"][tokens] + self._w["wpe.weight"][past : past + length]
        for layer, kept in enumerate(cache):
            name = f"blocks.{layer}"
            x = x + self._attention(f"{name}.mixer", self._norm(f"{name}.ln_1", x), kept, past)
            hidden = self._linear(f"{name}.up", self._norm(f"{name}.ln_2", x))
            x = x + self._linear(f"{name}.down", _gelu(hidden))
        return np.ascontiguousarray(self._norm("ln_f", x) @ self._w["head.weight"].T)

    def _attention(self, name: str, x: Array, kept: Array, past: int) -> Array:
        batch, length, width = x.shape
        qkv = self._linear(f"{name}.qkv", x).reshape(batch, length, 3, self._shape.heads, -1)
        q, k, v = qkv.transpose(2, 0, 3, 1, 4)  # [B, H, T, d] each
        end = past + length
        kept[0, :, :, past:end], kept[1, :, :, past:end] = k, v
        scores = q @ kept[0, :, :, :end].swapaxes(-1, -2) / np.sqrt(self._shape.d_head)
        future = np.arange(end)[None, :] > past + np.arange(length)[:, None]
        scores = np.where(future, -np.inf, scores)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ kept[1, :, :, :end]
        return self._linear(f"{name}.out", mixed.swapaxes(1, 2).reshape(batch, length, width))

    def _linear(self, name: str, x: Array) -> Array:
        projected: Array = x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"]
        return projected

    def _norm(self, name: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        normed: Array = centred / scale * self._w[f"{name}.weight"] + self._w[f"{name}.bias"]
        return normed


def _gelu(x: Array) -> Array:
    activated: Array = (
        0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi).astype(np.float32) * (x + 0.044715 * x**3)))
    )
    return activated
