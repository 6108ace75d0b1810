"""2:4: sets two of every four neighbouring weights of a row to zero.

NVIDIA's sparse tensor cores skip these zeros: with `kernel`, products run in torch's
semi-structured kernels, on GPUs that have them. Otherwise zeros are multiplied like other numbers,
and only the file gets smaller. Mishra et al. 2021 (arXiv 2104.08378).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness import hardware
from harness.compression import Compression, Stage, register, registry
from harness.compression.formats import calibration
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host

if TYPE_CHECKING:
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("2:4", "sets two of every four weights to zero; sparse tensor cores skip them")
class TwoFour(Compression):
    """Semi-structured pruning."""

    class Options(Options):
        """Which two weights, and whether a kernel skips them."""

        score: Literal["magnitude", "wanda"] = Field(
            "magnitude",
            description="by the weight's magnitude alone, or times its input's root mean square",
        )
        sequences: int = Field(16, ge=1, le=10_000, description="calibration sequences, for wanda")
        kernel: bool = Field(
            False, description="multiply in torch's semi-structured kernel, on CUDA in bf16"
        )

    stage = Stage.SPARSITY
    any_module = True
    layers = ("harness.compression.two_four.layer:SemiSparseLinear",)

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """The kernel needs sparse tensor cores and bf16."""
        if self.options.kernel and hardware.registry.of(cell.hardware).kind != "cuda":
            return "2:4's kernel needs a GPU with sparse tensor cores; this cell runs on the CPU"
        formats = [one.name for one in cell.compression if registry[one.name].stage is Stage.FORMAT]
        if self.options.kernel and formats:
            return f"2:4's kernel multiplies in bf16, not in the format of {formats[0]}"
        if self.options.kernel and cell.precision.name != "bf16":
            return f"2:4's kernel multiplies in bf16, not {cell.precision.name}"
        return super().unsupported(cell, host)

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The pruned model; layers whose inputs are not a multiple of four do not change."""
        from harness.compression.two_four.layer import SemiSparseLinear
        from harness.model.observe import observe
        from harness.model.packed import put
        from harness.model.pruning import body_linears, two_of_four, zero

        linears = {
            path: layer for path, layer in body_linears(model).items() if layer.in_features % 4 == 0
        }
        seen = (
            observe(model, calibration(model, text, self.options.sequences))
            if self.options.score == "wanda"
            else {}
        )
        masks = {}
        for path, layer in linears.items():
            scores = layer.weight.detach().abs()
            if path in seen:
                scores = scores * seen[path].magnitudes
            masks[path] = two_of_four(scores)
        zero(linears, masks)
        if self.options.kernel:
            for path, layer in linears.items():
                if (sparse := SemiSparseLinear.of(layer)) is not None:
                    put(model, path, sparse)
        return model
