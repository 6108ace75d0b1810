"""Who runs a split model: reads, decodes and learns, as one process would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy

from harness.distributed import pipeline
from harness.distributed.split import Split
from harness.model.transformer import DecodeState

_LAZY = 3  # steps before this one also make what is made when first used


class Driver:
    """Runs this rank's part; all ranks call the same methods in the same order."""

    def __init__(self, split: Split) -> None:
        self.split = split
        # Ranks of one sequence, of which only one has the logits of its last token.
        mesh = split.over("pipeline", "context")
        self._line = None if mesh is None else mesh.get_group()

    def logits(self, tokens: torch.Tensor, state: DecodeState) -> torch.Tensor | None:
        """[B, T] token ids behind those of the state -> [B, 1, vocab] of the last one's successor.

        None on ranks that have none.
        """
        split, single = self.split, tokens.shape[1] == 1
        positions = None if single else split.positions(tokens.shape[1])
        own = tokens if single or split.own_tokens is None else split.own_tokens(tokens)
        past = state.position
        if split.line is not None:
            found = pipeline.passed(split, split.line, own, state, positions)
        else:
            given = {} if positions is None else {"positions": positions}
            found = split.parts[0](own, state=state, last_only=True, **given)
        state.position = past + tokens.shape[1]
        return found if split.place("context") == 0 else None

    def facts(self) -> dict[str, float]:
        """What the ranks' work together can tell: a pipeline's `bubble`, and what theory says."""
        line = self.split.line
        if line is None or (bubble := line.bubble) is None:
            return {}
        return {"bubble": bubble, "bubble_in_theory": line.bubble_in_theory}

    def parameters(self) -> list[dict[str, Any]]:
        """What this rank updates, as groups of an optimizer."""
        return self.split.parameters()

    def chosen(self, logits: torch.Tensor | None, tokens: torch.Tensor) -> torch.Tensor:
        """What `logits` gave for [B, T] tokens -> [B, 1], the likeliest next, on all ranks."""
        if self._line is None:
            assert logits is not None
            return logits.argmax(-1)
        made = tokens.new_empty((tokens.shape[0], 1)) if logits is None else logits.argmax(-1)
        dist.broadcast(made, self._speaker, group=self._line)
        return made

    @property
    def _speaker(self) -> int:
        """The rank of the line that has the logits: in the last stage, with the sequence's end."""
        assert self._line is not None
        contexts = self.split.degrees.get("context", 1)
        stages = self.split.degrees.get("pipeline", 1)
        return dist.get_global_rank(self._line, (stages - 1) * contexts)

    def learner(
        self, optimizer: torch.optim.Optimizer, tokens: torch.Tensor, targets: torch.Tensor
    ) -> Callable[[], torch.Tensor | None]:
        """A function that takes one optimizer step on this rank's sequences, each [B, T].

        It gives the mean loss over them, and None on ranks that do not see it.
        """
        split = self.split
        split.length = tokens.shape[1]
        if split.own_tokens is not None:
            tokens, targets = split.own_tokens(tokens), split.own_tokens(targets)
        optimizer = split.optimizer(optimizer)
        if split.line is not None:
            return self._schedule(optimizer, tokens, targets, split.line)
        return self._plain(optimizer, tokens, targets)

    def _plain(
        self, optimizer: torch.optim.Optimizer, tokens: torch.Tensor, targets: torch.Tensor
    ) -> Callable[[], torch.Tensor]:
        split, model = self.split, self.split.parts[0]
        positions = split.positions(split.length)
        given = {} if positions is None else {"positions": positions}
        pieces = list(
            zip(tokens.chunk(split.accumulate), targets.chunk(split.accumulate), strict=True)
        )

        def step() -> torch.Tensor:
            total = torch.zeros(())
            for number, (some, told) in enumerate(pieces, 1):
                with split.exchanging(number == len(pieces)), split.around():
                    logits = model(some, **given)  # [B, T, V]
                    loss = cross_entropy(logits.flatten(0, 1), told.flatten()) / len(pieces)
                    split.backward(loss)
                total = total + _plain_tensor(loss)
            optimizer.step()
            optimizer.zero_grad()
            return total

        return step

    def _schedule(
        self,
        optimizer: torch.optim.Optimizer,
        tokens: torch.Tensor,
        targets: torch.Tensor,
        line: pipeline.Line,
    ) -> Callable[[], torch.Tensor | None]:
        split = self.split
        runs = pipeline.scheduled(split, line)
        tokens = tokens.contiguous()  # torch 2.11 takes microbatches of one layout only
        started = 0

        def step() -> torch.Tensor | None:
            nonlocal started
            losses: list[torch.Tensor] = []
            started += 1
            if started == _LAZY:
                line.start_anew()
            with line.step(), split.around():
                given = (tokens,) if line.is_first else ()
                told = targets if line.is_last else None
                runs.step(
                    *given,
                    target=told,
                    losses=losses if line.is_last else None,
                    return_outputs=False,
                )
            pipeline.tie(split, line)
            optimizer.step()
            optimizer.zero_grad()
            if not line.is_last:
                return None
            return torch.stack([_plain_tensor(one) for one in losses]).mean()

        return step


def _plain_tensor(loss: torch.Tensor) -> torch.Tensor:
    from torch.distributed.tensor import DTensor

    found = loss.full_tensor() if isinstance(loss, DTensor) else loss
    return found.detach()


def mean_over_ranks(loss: torch.Tensor | None) -> float:
    """The loss over the whole batch, of what each saw of it; all ranks take part."""
    told: list[float | None] = [None] * dist.get_world_size()
    dist.all_gather_object(told, None if loss is None else float(loss))
    seen: Sequence[float] = [one for one in told if one is not None]
    return sum(seen) / len(seen)
