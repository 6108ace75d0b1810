"""A compression from an outside package, with its own layers."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

from harness.compression import Compression, Stage, register

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("outside-half", "weights in half precision, from an outside package")
class OutsideHalf(Compression):
    """Each Linear layer keeps float16 weights, and widens them when it multiplies."""

    stage = Stage.FORMAT
    differentiable = False
    layers = ("outside_layers:HalfLinear",)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The model with its Linear layers replaced."""
        from harness.model.packed import replace_linears

        half_linear = resolve_name(self.layers[0])
        replace_linears(model, lambda _, layer: half_linear.of(layer))
        return model
