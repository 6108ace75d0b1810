"""pattern: a list of operators that the layers cycle through.

Each layer has the time, memory and decode state of its own operator. One operator can see what
another cannot: e.g. a few layers of full attention among cheaper layers, as in GPT-3 (Brown et al.
2020, arXiv 2005.14165, section 2.1) or Jamba (Lieber et al. 2024, arXiv 2403.19887).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import lcm
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field

from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.model.shape import Shape
from harness.operators import Operator, register, registry

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


class Mixed(Operator):
    """Several operators, one per layer in turn."""

    @property
    @abstractmethod
    def parts(self) -> Sequence[Operator]:
        """The operators in the order of the layers; they repeat."""

    @property
    def cycle(self) -> int:
        """The period after which all parts repeat."""
        return len(self.parts) * lcm(*(part.cycle for part in self.parts))

    @property
    def sequential(self) -> bool:
        """True if any part is."""
        return any(part.sequential for part in self.parts)

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """The mixer of the layer's operator."""
        part, own = self._at(layer)
        return part.mixer(shape, own)

    def parameters(self, shape: Shape, layer: int) -> int:
        """The parameters of the layer's operator."""
        part, own = self._at(layer)
        return part.parameters(shape, own)

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        """The FLOPs of the layer's operator."""
        part, own = self._at(layer)
        return part.flops(shape, own, batch, new, past)

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        """The bytes of the layer's operator."""
        part, own = self._at(layer)
        return part.state_bytes(shape, own, batch, capacity, element)

    def recomputed(self, shape: Shape, layer: int, batch: int, new: int) -> int:
        """The FLOPs that the layer's operator repeats."""
        part, own = self._at(layer)
        return part.recomputed(shape, own, batch, new)

    def exact(self, shape: Shape, length: int) -> bool:
        """True if all parts are."""
        return all(part.exact(shape, length) for part in self.parts)

    def untrainable(self, cell: Cell, host: Host) -> str | None:
        """The first part's reason, if any."""
        return next(filter(None, (part.untrainable(cell, host) for part in self.parts)), None)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """The first part's reason, if any."""
        reasons = (part.unavailable(host) or part.unsupported(cell, host) for part in self.parts)
        return next(filter(None, reasons), None)

    def _at(self, layer: int) -> tuple[Operator, int]:
        """The layer's operator, and this layer's index among the layers with that operator.

        The index lets an operator that varies by layer, e.g. in its dilation, continue its series.
        """
        cycle, place = divmod(layer, len(self.parts))
        names = [part.name for part in self.parts]
        name = names[place]
        return self.parts[place], cycle * names.count(name) + names[:place].count(name)


@register("pattern", "a list of operators that the layers cycle through")
class Pattern(Mixed):
    """Any operators, with any of their options."""

    class Options(Options):
        """The operators. Other options go to the operators that have them (spec/patterns.py)."""

        model_config = ConfigDict(frozen=True, extra="allow")

        pattern: tuple[str, ...] = Field(
            min_length=2,
            max_length=1000,
            examples=[("math", "linear", "bytenet")],
            description="operators that the layers cycle through",
        )

    @cached_property
    def parts(self) -> Sequence[Operator]:
        """The operators; each gets the options that it has."""
        return [self._part(name) for name in self.options.pattern]

    def _part(self, name: str) -> Operator:
        entry = registry[name]
        given = self.options.model_extra or {}
        return entry(
            entry.Options(**{k: v for k, v in given.items() if k in entry.Options.model_fields})
        )
