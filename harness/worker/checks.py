"""Whether the model that was measured computes what it should. Behind the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness import backends
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.errors import HarnessError
from harness.model.transformer import Transformer
from harness.worker.messages import Job
from harness.worker.preparation import dense_model
from harness.worker.probe import distance, probe, require_finite

if TYPE_CHECKING:
    import torch

Load = Callable[[], Transformer]


def check_output(output: torch.Tensor | None) -> None:
    """HarnessError where what an iteration gave last, logits or a loss, is not finite.

    None is what a rank has whose neighbour holds the output.
    """
    if output is not None:
        local: torch.Tensor = getattr(output, "_local_tensor", output)
        require_finite(local, "the last outputs of the model")


def answers(job: Job, load: Load) -> torch.Tensor:
    """The logits of a model that is loaded anew, as the cell's backend computes them."""
    backend = backends.registry.of(job.cell.backend)
    core = load()
    return probe(backend.prepare(core), core.shape, job.seed)


def checked(job: Job, logits: torch.Tensor, load: Load, device: torch.device) -> dict[str, float]:
    """Facts of the cell's logits, as its backend computes them, beside other models'.

    HarnessError where they are not finite, or where the backend computes something else than
    eager does on the same weights: further off than the precision's tolerance.
    """
    require_finite(logits, "the model's logits")
    cell = job.cell
    backend = backends.registry.of(cell.backend)
    if not backend.reference:
        core = load()
        error = distance(logits, probe(core, core.shape, job.seed))
        del core
        _require_near(cell, error)
    lossy = cell.precision.name != "fp32" or bool(cell.compression)
    # Of the reference's own prepared model it is known since it was prepared.
    if not job.quality or (backend.reference and (job.artifact or not lossy)):
        return {}
    dense = dense_model(job, device)
    return {"logit_error": distance(logits, probe(dense, dense.shape, job.seed))}


def _require_near(cell: Cell, error: float) -> None:
    tolerance = PRECISIONS[cell.precision.name].tolerance
    if error > tolerance:
        raise HarnessError(
            f"{cell.backend} computes other logits than eager: {error:.2g} of their norm apart, "
            f"more than {cell.precision}'s tolerance of {tolerance:g}"
        )
