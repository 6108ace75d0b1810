"""Prefill: read the whole prompt at once, fill the decode state, score the next token.

The work is large matrix products over all prompt tokens together, so compute limits it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.entry import Options
from harness.model.cost import Work
from harness.scenarios import Iteration, Scenario, register
from harness.scenarios.cold import DESCRIPTION, flusher
from harness.session import Session
from harness.timer import Timer

if TYPE_CHECKING:
    from harness.session.workload import Workload


@register("prefill", "read a prompt and score the next token")
class Prefill(Scenario):
    """Time to process `prompt` tokens of each sequence."""

    class Options(Options):
        """Whether the caches are cold."""

        cold: bool = Field(False, description=DESCRIPTION)

    workload = ("batch", "prompt")
    headline = "tokens_per_second"

    def tokens(self, workload: Mapping[str, int]) -> int:
        """The prompt's tokens."""
        return workload["prompt"]

    def capacity(self, workload: Mapping[str, int]) -> int:
        """The prompt's tokens."""
        return workload["prompt"]

    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """One pass over the prompt; only its last position is scored."""
        return (Work(workload["batch"], workload["prompt"]),)

    def prepare(self, session: Session, workload: Workload) -> Iteration:
        """Each iteration starts from an empty decode state."""
        prompt = workload.amounts["prompt"]
        tokens = session.place(workload.tokens(prompt))
        session.start(prompt)
        cold = self.options.cold
        flush = flusher(session.device, workload.cache_bytes()) if cold else None

        def iteration(timer: Timer) -> Mapping[str, float]:
            session.reset()
            if flush is not None:
                flush()
            start = timer.mark()
            session.prefill(tokens)
            return {"latency": timer.seconds(start, timer.mark())}

        return iteration
