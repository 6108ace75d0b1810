"""What a compressed Linear layer is to the model, to its file and to the counting of its cost.

A compression that puts layers of its own into a model derives them from one of the two classes
here and names them in its `layers`.
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
    """y = x W^T + b, with W [out, in] kept in a form of its own.

    A file holds its `settings` and `stored` tensors, and nothing else of it; `restored` makes
    the same layer from them, giving the same output to the bit.
    """

    kind: ClassVar[str]  # what files call it
    bias: torch.Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: torch.Tensor | None) -> None:
        """A bias that is a parameter stays one; any other follows the model's casts."""
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
        """The tensors that make its weight, by the names that its constructor gives them."""

    def settings(self) -> Settings:
        """What its constructor takes beside tensors."""
        return {}

    def stored(self) -> Tensors:
        """The tensors of a file: those of its weight, and its bias if it has one."""
        return self.weights() if self.bias is None else {**self.weights(), "bias": self.bias}

    @classmethod
    def restored(cls, settings: Settings, tensors: Tensors) -> Self:
        """The layer with those settings and stored tensors."""
        parts: dict[str, Any] = {"bias": None, **settings, **tensors}
        return cls(**parts)

    @abstractmethod
    def dense(self) -> torch.Tensor:
        """[out, in] in fp32: the matrix it multiplies by."""

    def weight_bytes(self) -> int:
        """Bytes of its weights as it runs: those of its file, unless a kernel wants others."""
        return sum(tensor.nbytes for tensor in self.stored().values())

    def multiplications(self) -> int:
        """Multiply-adds that one row of x takes."""
        return self.in_features * self.out_features

    def parameter_count(self) -> int:
        """Weights and biases it keeps, in whatever format."""
        return self.multiplications() + (0 if self.bias is None else self.bias.numel())

    def extra_repr(self) -> str:
        """As torch prints a Linear."""
        return f"in_features={self.in_features}, out_features={self.out_features}"


class ComposedLinear(nn.Module, ABC):
    """A Linear made of several of torch's own, each of which a later compression may replace.

    A file holds its kind; what it is made of stands there layer by layer.
    """

    kind: ClassVar[str]  # what files call it

    @classmethod
    @abstractmethod
    def hollow(cls) -> Self:
        """One with its parts in place, of any size: those of the file take their places."""


LayerKind: TypeAlias = type[PackedLinear] | type[ComposedLinear]


def replace_linears(
    model: nn.Module, replace: Callable[[str, nn.Linear], nn.Module | None]
) -> None:
    """Put what `replace` gives in the place of each Linear, by its path; None leaves it.

    A Linear that stands at several places is asked about once, and replaced everywhere. One of a
    class derived from Linear stays: what else it does is unknown.
    """
    made: dict[int, nn.Module | None] = {}
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if type(module) is nn.Linear:
            if id(module) not in made:
                made[id(module)] = replace(path, module)
            new = made[id(module)]
            if new is not None:
                put(model, path, new)


def put(model: nn.Module, path: str, module: nn.Module) -> None:
    """Set the module at a path."""
    owner, _, name = path.rpartition(".")
    setattr(model.get_submodule(owner), name, module)


def multiplications(module: nn.Module) -> int:
    """Multiply-adds that one row takes through all Linear layers in it."""
    total = 0
    for one in module.modules():
        if isinstance(one, PackedLinear):
            total += one.multiplications()
        elif isinstance(one, nn.Linear):
            total += one.in_features * one.out_features
    return total
