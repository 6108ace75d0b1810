"""distill: trains a smaller model to predict what the whole model predicts.

The loss mixes soft targets, T^2 KL(teacher || student) at temperature T, with hard targets, the
text itself. A student as wide as its teacher starts from evenly spaced layers of the teacher. The
training counts as compression time. Hinton et al. 2015 (arXiv 1503.02531); Sanh et al. 2019 (arXiv
1910.01108) for starting from the teacher's layers.
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


@register("distill", "trains a smaller model to predict what the whole model predicts")
class Distill(Compression):
    """Knowledge distillation into a student of other dimensions."""

    class Options(Options):
        """The student's dimensions, and its training."""

        layers: int = Field(0, ge=0, le=1000, description="student layers; 0: half the teacher's")
        d_model: int = Field(0, ge=0, le=10**6, description="student width; 0: the teacher's")
        heads: int = Field(0, ge=0, le=10_000, description="student heads; 0: the teacher's")
        steps: int = Field(120, ge=1, le=10**6, description="optimizer steps")
        batch: int = Field(8, ge=1, le=10_000, description="sequences per step")
        length: int = Field(255, ge=2, le=10**5, description="tokens per sequence")
        temperature: float = Field(1.0, gt=0, le=100, description="softens both predictions")
        soft: float = Field(0.5, ge=0, le=1, description="weight of the soft targets in the loss")
        rate: float = Field(5e-3, gt=0, le=1, description="highest learning rate")
        seed: int = Field(0, ge=0, description="seed of the student's initial weights")

    stage = Stage.MODEL
    trains = True
    decoders = True

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Unsupported if the student's dimensions make no valid model."""
        from harness.model.architectures import dimensions_of

        try:
            self._shape(dimensions_of(cell.model))
        except ValueError as error:
            return f"distill cannot build this student: {error}"
        return super().unsupported(cell, host)

    def training_tokens(self) -> int:
        """The tokens of all steps."""
        tokens: int = self.options.steps * self.options.batch * self.options.length
        return tokens

    def apply(self, model: Transformer, text: Text) -> Transformer:
        """The trained student."""
        import torch
        from torch.nn.functional import cross_entropy, kl_div, log_softmax

        from harness.model.build import build
        from harness.model.training import fit

        options = self.options
        device = model.wte.weight.device
        shape = self._shape(model.shape)
        student = build(shape, model.factory, device=device, seed=options.seed)
        if shape.d_model == model.shape.d_model and shape.heads == model.shape.heads:
            _start_from(student, model)
        length = min(options.length, shape.context - 1)
        sequences = text.sequences("distillation", options.steps * options.batch, length + 1)

        def loss_of(step: int) -> torch.Tensor:
            first = step * options.batch
            tokens = sequences[first : first + options.batch].to(device)
            inputs, targets = tokens[:, :-1], tokens[:, 1:]
            with torch.no_grad():
                soft_targets = log_softmax(model(inputs).flatten(0, 1) / options.temperature, -1)
            logits = student(inputs).flatten(0, 1)
            soft = kl_div(
                log_softmax(logits / options.temperature, -1),
                soft_targets,
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


def _start_from(student: Transformer, teacher: Transformer) -> None:
    """Copy the teacher's embeddings, norm and evenly spaced layers, from the first on."""
    from harness.model.transformer import blocks_of

    ours, theirs = blocks_of(student), blocks_of(teacher)
    for name in ("wte", "wpe", "ln_f"):
        getattr(student, name).load_state_dict(getattr(teacher, name).state_dict())
    for place, block in enumerate(ours):
        block.load_state_dict(theirs[place * len(theirs) // len(ours)].state_dict())
