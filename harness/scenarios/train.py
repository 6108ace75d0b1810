"""Train: forward, backward and an AdamW step on a batch of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.model.cost import Work
from harness.scenarios import Iteration, Scenario, register
from harness.session import Session
from harness.timer import Timer

if TYPE_CHECKING:
    from harness.session.workload import Workload


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
        """The sequence's tokens."""
        return workload["prompt"]

    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """A forward pass that scores every position, and a backward pass."""
        batch, prompt = workload["batch"], workload["prompt"]
        return (Work(batch, prompt, logits=prompt, backward=True),)

    def prepare(self, session: Session, workload: Workload) -> Iteration:
        """Each iteration trains the same model one step on the same tokens."""
        step = session.training_step(workload.tokens(workload.amounts["prompt"] + 1))

        def iteration(timer: Timer) -> Mapping[str, float]:
            start = timer.mark()
            step()
            return {"latency": timer.seconds(start, timer.mark())}

        return iteration
