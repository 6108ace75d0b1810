"""Runs a pipeline: inference stage by stage, training by torch's schedules.

The schedules are those of torch.distributed.pipelining.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import torch
import torch.distributed as dist
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import get_schedule_class
from torch.distributed.tensor import DTensor
from torch.nn.functional import cross_entropy

from harness.distributed.split import Split, plain_tensor
from harness.model.transformer import Block, DecodeState, blocks_of
from harness.parallelism.pipeline.group import PipelineGroup

if TYPE_CHECKING:
    from torch.optim import Optimizer

_FIRST_STEADY_STEP = 3  # torch allocates and compiles lazily in earlier steps


class StagedModel:
    """This rank's stages, run together with the other ranks'. A Pipelined of split.py."""

    def __init__(self, split: Split, group: PipelineGroup) -> None:
        self._split, self._group = split, group

    def logits(
        self, tokens: torch.Tensor, state: DecodeState, positions: torch.Tensor | None
    ) -> torch.Tensor | None:
        """A forward pass without gradients: the last token's logits, on the last rank."""
        group, core, past = self._group, self._split.core, state.position
        if group.is_first:
            x = core.embeddings(tokens, past, positions)
        else:
            length = tokens.shape[1] if positions is None else len(positions)
            x = self._received((tokens.shape[0], length, core.shape.d_model))
        blocks: list[Block] = blocks_of(core)
        for block, layer in zip(blocks, state.layers, strict=True):
            x = block(x, layer, past)
        if group.is_last:
            return core.logits(x, last_only=True)
        dist.send(x.contiguous(), group.peer(group.rank + 1), group=group.processes)
        return None

    def _received(self, shape: tuple[int, int, int]) -> torch.Tensor:
        """Activations [B, T, D] from the previous rank."""
        dtype = next(self._split.core.parameters()).dtype
        x = torch.empty(shape, device=self._split.device, dtype=dtype)
        dist.recv(x, self._group.peer(self._group.rank - 1), group=self._group.processes)
        return x

    def training_step(
        self, optimizer: Optimizer, tokens: torch.Tensor, targets: torch.Tensor
    ) -> Callable[[], torch.Tensor | None]:
        """A function that takes one optimizer step; it returns the mean loss on the last rank."""
        split, group = self._split, self._group
        schedule = self._schedule()
        tokens = tokens.contiguous()  # torch 2.11 takes microbatches of one layout only
        inputs = (tokens,) if group.is_first else ()
        labels = targets if group.is_last else None
        started = 0

        def step() -> torch.Tensor | None:
            nonlocal started
            losses: list[torch.Tensor] = []
            started += 1
            if started == _FIRST_STEADY_STEP:
                group.start_anew()
            with group.step(), split.around():
                schedule.step(
                    *inputs,
                    target=labels,
                    losses=losses if group.is_last else None,
                    return_outputs=False,
                )
            self._add_tied_gradients()
            optimizer.step()
            optimizer.zero_grad()
            if not group.is_last:
                return None
            return torch.stack([plain_tensor(one) for one in losses]).mean()

        return step

    def facts(self) -> dict[str, float]:
        """`bubble`, measured over the steps so far, and `bubble_in_theory`."""
        bubble = self._group.bubble
        if bubble is None:
            return {}
        return {"bubble": bubble, "bubble_in_theory": self._group.bubble_in_theory}

    def _schedule(self) -> Any:
        """Torch's schedule over the stages, which other strategies may have wrapped by now."""
        split, group = self._split, self._group
        stages = [
            _TimedStage(
                part,
                group.rank + index * group.ranks,
                group.stage_count,
                split.device,
                group=group.processes,
            ).of(group)
            for index, part in enumerate(split.parts)
        ]

        def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            with group.working():
                return cross_entropy(logits.flatten(0, 1), targets.flatten())

        return get_schedule_class(group.torch_schedule)(
            stages if group.stages_per_rank > 1 else stages[0],
            group.microbatches,
            loss_fn=loss_of,
        )

    def _add_tied_gradients(self) -> None:
        """The first and the last rank hold the same matrix: each adds the other's gradient."""
        split, group = self._split, self._group
        if not split.core.shape.tied or not (group.is_first or group.is_last):
            return
        local = _tied_gradient(split, "wte" if group.is_first else "head")
        other = group.peer(group.ranks - 1 if group.is_first else 0)
        mine, theirs = local.contiguous(), torch.empty_like(local).contiguous()
        swap = [
            dist.P2POp(dist.isend, mine, other, group.processes),
            dist.P2POp(dist.irecv, theirs, other, group.processes),
        ]
        for work in dist.batch_isend_irecv(swap if group.is_first else swap[::-1]):
            work.wait()
        local.add_(theirs)


class _TimedStage(PipelineStage):
    """A stage that reports to its group when it works."""

    def of(self, group: PipelineGroup) -> Self:
        self._pipeline_group = group
        return self

    def forward_one_chunk(self, *given: Any, **options: Any) -> Any:
        with self._pipeline_group.working():
            return super().forward_one_chunk(*given, **options)

    def backward_one_chunk(self, *given: Any, **options: Any) -> Any:
        with self._pipeline_group.working():
            return super().backward_one_chunk(*given, **options)

    def backward_weight_one_chunk(self, *given: Any, **options: Any) -> Any:
        with self._pipeline_group.working():
            return super().backward_weight_one_chunk(*given, **options)


def _tied_gradient(split: Split, end: str) -> torch.Tensor:
    """This rank's part of the tied matrix's gradient, laid out as the parameter is."""
    # Looked up by name: FSDP replaces the modules' parameters by its own.
    named = (one for part in split.parts for one in part.named_parameters())
    parameter = next(one for name, one in named if name.endswith(f"{end}.weight"))
    gradient = parameter.grad
    assert gradient is not None
    if isinstance(parameter, DTensor):
        assert isinstance(gradient, DTensor)
        gradient = gradient.redistribute(placements=parameter.placements)
        parameter.grad = gradient
        return gradient.to_local()
    return gradient
