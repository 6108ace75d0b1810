"""Prefill: read the whole prompt at once, fill the decode state, score the next token.

The work is large matrix products over all prompt tokens together, so compute binds it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from harness.domain.entry import Options
from harness.model.cost import Work
from harness.scenarios import Iteration, Scenario, Subject, register
from harness.scenarios.cold import DESCRIPTION, chiller
from harness.scenarios.tokens import random_tokens
from harness.timer import Timer


@register("prefill", "read a prompt and score the next token")
class Prefill(Scenario):
    """Time to process `prompt` tokens a sequence."""

    class Options(Options):
        """How the caches stand before each time."""

        cold: bool = Field(False, description=DESCRIPTION)

    workload = ("batch", "prompt")
    headline = "tokens_per_second"

    def tokens(self, workload: Mapping[str, int]) -> int:
        """The prompt's tokens."""
        return workload["prompt"]

    def capacity(self, workload: Mapping[str, int]) -> int:
        """The prompt."""
        return workload["prompt"]

    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """One pass over the prompt; only its last position is scored."""
        return (Work(workload["batch"], workload["prompt"]),)

    def prepare(self, subject: Subject) -> Iteration:
        """Each iteration fills the state anew from an empty one."""
        prompt = subject.workload["prompt"]
        tokens = random_tokens(subject, prompt)
        state = subject.new_state(prompt)
        chill = chiller(subject.device, subject.cache_bytes()) if self.options.cold else None

        def iteration(timer: Timer) -> Mapping[str, float]:
            state.rewind(0)
            if chill is not None:
                chill()
            start = timer.mark()
            subject.read(tokens, state)
            return {"latency": timer.seconds(start, timer.mark())}

        return iteration
