"""Train: forward, backward and an AdamW step on a batch of sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from harness.model.cost import Work
from harness.scenarios import Iteration, Scenario, Subject, register
from harness.scenarios.tokens import random_tokens
from harness.timer import Timer

if TYPE_CHECKING:
    import torch


@register("train", "forward, backward and AdamW step")
class Train(Scenario):
    """Time of one optimizer step over `batch` sequences of `prompt` tokens.

    Weights, gradients and optimizer state are all in the cell's precision.
    """

    workload = ("batch", "prompt")
    headline = "tokens_per_second"
    trains = True

    def tokens(self, workload: Mapping[str, int]) -> int:
        """The sequence's tokens."""
        return workload["prompt"]

    def capacity(self, workload: Mapping[str, int]) -> int:
        """The sequence."""
        return workload["prompt"]

    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """One pass forward, scoring every position, and its gradients."""
        batch, prompt = workload["batch"], workload["prompt"]
        return (Work(batch, prompt, logits=prompt, backward=True),)

    def prepare(self, subject: Subject) -> Iteration:
        """Each iteration steps the same model on the same tokens."""
        tokens = random_tokens(subject, subject.workload["prompt"] + 1)
        step = lessons(subject, *subject.core.lesson(tokens), optimizer_of(subject))

        def iteration(timer: Timer) -> Mapping[str, float]:
            start = timer.mark()
            subject.output.last = step()
            return {"latency": timer.seconds(start, timer.mark())}

        return iteration


def optimizer_of(subject: Subject, rate: float = 1e-4, eps: float = 1e-8) -> torch.optim.AdamW:
    """AdamW over what this process updates.

    The fused kernel updates all parameters in one pass over memory.
    """
    import torch

    subject.model.train()
    driver = subject.driver
    parameters = subject.model.parameters() if driver is None else driver.parameters()
    return torch.optim.AdamW(parameters, lr=rate, eps=eps, fused=True)


def lessons(
    subject: Subject, tokens: torch.Tensor, targets: torch.Tensor, optimizer: torch.optim.Optimizer
) -> Callable[[], torch.Tensor | None]:
    """A function that steps on the same tokens [B, T]; the mean loss, None where others have it."""
    from torch.nn.functional import cross_entropy

    if subject.driver is not None:
        return subject.driver.learner(optimizer, tokens, targets)

    def step() -> torch.Tensor:
        logits = subject.model(tokens)  # [B, T, V]
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return step
