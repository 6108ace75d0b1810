"""Base classes of compressed Linear layers, for the model, its file and its cost.

A compression that adds its own layers to a model derives them from one of the two classes here and
names them in its `layers`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeAlias

import torch
from torch import nn

Settings: TypeAlias = Mapping[str, int | float | bool | str]
Tensors: TypeAlias = Mapping[str, torch.Tensor]


class PackedLinear(nn.Module, ABC):
    """y = x W^T + b, with W [out, in] in a compressed form.

    A file holds its `settings` and its `stored` tensors; `restored` makes a layer from them that
    gives the same output to the bit.
    """

    kind: ClassVar[str]  # its name in files
    bias: torch.Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: torch.Tensor | None) -> None:
        """A bias that is a parameter stays a parameter; any other becomes a buffer."""
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        if isinstance(bias, nn.Parameter):
            self.bias = bias
        else:
            self.register_buffer("bias", bias)

    @abstractmethod
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] -> [..., out]."""

    @abstractmethod
    def weights(self) -> Tensors:
        """The tensors of its weight, by the names of the constructor's arguments."""

    def settings(self) -> Settings:
        """The constructor's other arguments."""
        return {}

    def stored(self) -> Tensors:
        """The tensors that a file holds: the weight's tensors and any bias."""
        return self.weights() if self.bias is None else {**self.weights(), "bias": self.bias}

    @classmethod
    def restored(cls, settings: Settings, tensors: Tensors) -> Self:
        """The layer with these settings and stored tensors."""
        arguments: dict[str, Any] = {"bias": None, **settings, **tensors}
        return cls(**arguments)

    @abstractmethod
    def dense(self) -> torch.Tensor:
        """[out, in] in fp32: the matrix it multiplies by."""

    def weight_bytes(self) -> int:
        """Bytes of its weights in memory: those of its file, unless a kernel needs another form."""
        return sum(tensor.nbytes for tensor in self.stored().values())

    def multiplications(self) -> int:
        """Multiply-adds for one row of x."""
        return self.in_features * self.out_features

    def parameter_count(self) -> int:
        """The count of its weights and biases, in any format."""
        return self.multiplications() + (0 if self.bias is None else self.bias.numel())

    def extra_repr(self) -> str:
        """The text that torch prints for a Linear."""
        return f"in_features={self.in_features}, out_features={self.out_features}"


class ComposedLinear(nn.Module, ABC):
    """A Linear made of several torch Linears, each of which a later compression may replace.

    A file holds its kind, and its parts as layers of their own.
    """

    kind: ClassVar[str]  # its name in files

    @classmethod
    @abstractmethod
    def placeholder(cls) -> Self:
        """A layer whose parts have any size; loading a file replaces them."""


LayerKind: TypeAlias = type[PackedLinear] | type[ComposedLinear]


def replace_linears(
    model: nn.Module, replace: Callable[[str, nn.Linear], nn.Module | None]
) -> None:
    """Replace each Linear by `replace(path, linear)`; None keeps it.

    A shared Linear is replaced everywhere by the result of one call. Instances of classes derived
    from Linear stay, because they may do more than a Linear.
    """
    new: dict[int, nn.Module | None] = {}
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if type(module) is nn.Linear:
            if id(module) not in new:
                new[id(module)] = replace(path, module)
            replacement = new[id(module)]
            if replacement is not None:
                put(model, path, replacement)


def put(model: nn.Module, path: str, module: nn.Module) -> None:
    """Set the module at a path."""
    owner, _, name = path.rpartition(".")
    setattr(model.get_submodule(owner), name, module)


def multiplications(module: nn.Module) -> int:
    """Multiply-adds for one row in all Linear layers of the module."""
    total = 0
    for one in module.modules():
        if isinstance(one, PackedLinear):
            total += one.multiplications()
        elif isinstance(one, nn.Linear):
            total += one.in_features * one.out_features
    return total
