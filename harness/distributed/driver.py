"""Runs a split model as if it were whole: prompts, decode steps, training steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy

from harness.distributed.split import Split, plain_tensor
from harness.model.transformer import DecodeState

if TYPE_CHECKING:
    from torch.optim import Optimizer


class Driver:
    """Runs this rank's part. All ranks call the same methods in the same order."""

    def __init__(self, split: Split) -> None:
        self.split = split
        # The ranks that share a sequence. Only one of them has the logits of its last token.
        mesh = split.over("pipeline", "context")
        self._sharing = None if mesh is None else mesh.get_group()

    def logits(self, tokens: torch.Tensor, state: DecodeState) -> torch.Tensor | None:
        """[B, T] token ids, which follow those of the state -> [B, 1, vocab] for the next token.

        None on ranks that do not compute the logits.
        """
        split, single = self.split, tokens.shape[1] == 1
        positions = None if single else split.positions(tokens.shape[1])
        own = tokens if single or split.own_tokens is None else split.own_tokens(tokens)
        past = state.position
        if split.pipelined is not None:
            found = split.pipelined.logits(own, state, positions)
        else:
            given = {} if positions is None else {"positions": positions}
            found = split.parts[0](own, state=state, last_only=True, **given)
        state.position = past + tokens.shape[1]
        return found if split.local_rank("context") == 0 else None

    def facts(self) -> dict[str, float]:
        """Facts about all ranks together: a pipeline's `bubble` and `bubble_in_theory`."""
        pipelined = self.split.pipelined
        return {} if pipelined is None else pipelined.facts()

    def parameters(self) -> list[dict[str, Any]]:
        """The parameters that this rank updates, as an optimizer's parameter groups."""
        return self.split.parameters()

    def chosen(self, logits: torch.Tensor | None, tokens: torch.Tensor) -> torch.Tensor:
        """The likeliest next tokens [B, 1], on all ranks. `logits` are those of [B, T] `tokens`."""
        if self._sharing is None:
            assert logits is not None
            return logits.argmax(-1)
        likeliest = tokens.new_empty((tokens.shape[0], 1)) if logits is None else logits.argmax(-1)
        dist.broadcast(likeliest, self._source, group=self._sharing)
        return likeliest

    @property
    def _source(self) -> int:
        """The rank with the logits: it is in the last stage and holds the end of the sequence."""
        assert self._sharing is not None
        contexts = self.split.degrees.get("context", 1)
        stages = self.split.degrees.get("pipeline", 1)
        return dist.get_global_rank(self._sharing, (stages - 1) * contexts)

    def training_step(
        self, optimizer: Optimizer, tokens: torch.Tensor, targets: torch.Tensor
    ) -> Callable[[], torch.Tensor | None]:
        """A function that takes one optimizer step on this rank's sequences, each [B, T].

        It returns their mean loss, or None on ranks that do not compute it.
        """
        split = self.split
        split.length = tokens.shape[1]
        if split.own_tokens is not None:
            tokens, targets = split.own_tokens(tokens), split.own_tokens(targets)
        optimizer = split.optimizer(optimizer)
        if split.pipelined is not None:
            return split.pipelined.training_step(optimizer, tokens, targets)
        return self._accumulating_step(optimizer, tokens, targets)

    def _accumulating_step(
        self, optimizer: Optimizer, tokens: torch.Tensor, targets: torch.Tensor
    ) -> Callable[[], torch.Tensor]:
        split, model = self.split, self.split.parts[0]
        positions = split.positions(split.length)
        given = {} if positions is None else {"positions": positions}
        pieces = list(
            zip(tokens.chunk(split.accumulate), targets.chunk(split.accumulate), strict=True)
        )

        def step() -> torch.Tensor:
            total = torch.zeros(())
            for number, (inputs, labels) in enumerate(pieces, 1):
                with split.gradient_sync(number == len(pieces)), split.around():
                    logits = model(inputs, **given)  # [B, T, V]
                    loss = cross_entropy(logits.flatten(0, 1), labels.flatten()) / len(pieces)
                    split.backward(loss)
                total = total + plain_tensor(loss)
            optimizer.step()
            optimizer.zero_grad()
            return total

        return step


def mean_over_ranks(loss: torch.Tensor | None) -> float:
    """The mean loss of the whole batch, from each rank's share of it. All ranks take part."""
    gathered: list[float | None] = [None] * dist.get_world_size()
    dist.all_gather_object(gathered, None if loss is None else float(loss))
    losses: Sequence[float] = [value for value in gathered if value is not None]
    return sum(losses) / len(losses)
