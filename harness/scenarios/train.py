"""Train: forward, backward and an AdamW step on a batch of sequences."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model.cost import Work
from harness.scenarios import Clock, Iteration, Scenario, Subject, register
from harness.scenarios.tokens import random_tokens


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
        import torch
        from torch.nn.functional import cross_entropy

        tokens = random_tokens(subject, subject.workload["prompt"] + 1)
        inputs, targets = subject.core.lesson(tokens)
        subject.model.train()
        # The fused kernel updates all parameters in one pass over memory.
        optimizer = torch.optim.AdamW(subject.model.parameters(), lr=1e-4, fused=True)

        def iteration(clock: Clock) -> Mapping[str, float]:
            start = clock.mark()
            logits = subject.model(inputs)  # [B, T, V]
            cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            return {"latency": clock.seconds(start, clock.mark())}

        return iteration
