"""distill: a smaller model learns to predict what the whole one predicts.

The loss is a share of soft targets, T^2 KL(teacher || student) at temperature T, and of hard ones,
the text itself. A student as wide as its teacher begins with layers of it, evenly chosen. What
the training takes is the compression time. Hinton et al. 2015 (arXiv 1503.02531); Sanh et al. 2019
(arXiv 1910.01108) for beginning with the teacher's layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.compression import Compression, Stage, register
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host

if TYPE_CHECKING:
    from harness.model.shape import Shape
    from harness.model.transformer import Transformer
    from harness.quality.text import Text


@register("distill", "a smaller model learns to predict what the whole one predicts")
class Distill(Compression):
    """A student of other dimensions."""

    class Options(Options):
        """The student, and how it is taught."""

        layers: int = Field(0, ge=0, le=1000, description="of the student; 0 is half of them")
        d_model: int = Field(0, ge=0, le=10**6, description="its width; 0 is the teacher's")
        heads: int = Field(0, ge=0, le=10_000, description="its heads; 0 is the teacher's")
        steps: int = Field(120, ge=1, le=10**6, description="optimizer steps")
        batch: int = Field(8, ge=1, le=10_000, description="sequences a step")
        length: int = Field(255, ge=2, le=10**5, description="tokens a sequence")
        temperature: float = Field(1.0, gt=0, le=100, description="that softens both predictions")
        soft: float = Field(0.5, ge=0, le=1, description="share of the loss that is the teacher's")
        rate: float = Field(5e-3, gt=0, le=1, description="learning rate at its highest")
        seed: int = Field(0, ge=0, description="of what the student begins with")

    stage = Stage.MODEL
    trains = True
    decoders = True

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """The student's dimensions must make a model."""
        from harness.model.architectures import dimensions_of

        try:
            self._shape(dimensions_of(cell.model))
        except ValueError as error:
            return f"distill: no such student: {error}"
        return super().unsupported(cell, host)

    def tokens_learned(self) -> int:
        """Those of all steps."""
        tokens: int = self.options.steps * self.options.batch * self.options.length
        return tokens

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The student."""
        import torch
        from torch.nn.functional import cross_entropy, kl_div, log_softmax

        from harness.model.build import build
        from harness.model.training import fit

        options = self.options
        device = model.wte.weight.device
        shape = self._shape(model.shape)
        student = build(shape, model.factory, device=device, seed=options.seed)
        if shape.d_model == model.shape.d_model and shape.heads == model.shape.heads:
            _begin_with(student, model)
        length = min(options.length, shape.context - 1)
        sequences = text.sequences("distillation", options.steps * options.batch, length + 1)

        def loss_of(step: int) -> torch.Tensor:
            first = step * options.batch
            tokens = sequences[first : first + options.batch].to(device)
            inputs, targets = tokens[:, :-1], tokens[:, 1:]
            with torch.no_grad():
                told = log_softmax(model(inputs).flatten(0, 1) / options.temperature, -1)
            logits = student(inputs).flatten(0, 1)
            soft = kl_div(
                log_softmax(logits / options.temperature, -1),
                told,
                log_target=True,
                reduction="batchmean",
            )
            hard = cross_entropy(logits, targets.flatten())
            return soft.mul(options.soft * options.temperature**2) + hard.mul(1 - options.soft)

        with torch.enable_grad():
            fit(student, options.steps, options.rate, loss_of)
        return student

    def _shape(self, teacher: Shape) -> Shape:
        options = self.options
        d_model = options.d_model or teacher.d_model
        heads = options.heads or (
            teacher.heads if not options.d_model else max(1, d_model // teacher.d_head)
        )
        layers = options.layers or max(1, teacher.layers // 2)
        own = {"layers": layers, "d_model": d_model, "heads": heads, "weights": ""}
        given = teacher.model_dump()
        if d_model != teacher.d_model:
            own["d_ff"] = 0
        return type(teacher).model_validate({**given, **own})


def _begin_with(student: Transformer, teacher: Transformer) -> None:
    """The teacher's embeddings and norm, and its layers at even distances, the first among them."""
    from harness.model.transformer import blocks_of

    ours, theirs = blocks_of(student), blocks_of(teacher)
    for name in ("wte", "wpe", "ln_f"):
        getattr(student, name).load_state_dict(getattr(teacher, name).state_dict())
    for place, block in enumerate(ours):
        block.load_state_dict(theirs[place * len(theirs) // len(ours)].state_dict())
