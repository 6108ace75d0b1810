"""Generate: read a prompt, then produce tokens, as in a chat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.model.cost import Work
from harness.scenarios import Iteration, Scenario, register
from harness.session import Session
from harness.timer import Timer

if TYPE_CHECKING:
    from harness.session.workload import Workload


@register("generate", "read a prompt, then produce tokens; TTFT and TPOT are timed apart")
class Generate(Scenario):
    """Time to first token (TTFT), time per further token (TPOT) and total latency."""

    workload = ("batch", "prompt", "generate")
    headline = "latency"

    def tokens(self, workload: Mapping[str, int]) -> int:
        """The tokens produced."""
        return workload["generate"]

    def capacity(self, workload: Mapping[str, int]) -> int:
        """The prompt and all produced tokens but the last, which is not fed back."""
        return workload["prompt"] + workload["generate"] - 1

    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """A pass over the prompt gives the first token; each further token takes one step."""
        batch, prompt = workload["batch"], workload["prompt"]
        further = range(workload["generate"] - 1)
        return (Work(batch, prompt), *(Work(batch, 1, prompt + i, further=i) for i in further))

    def prepare(self, session: Session, workload: Workload) -> Iteration:
        """Each iteration starts from an empty state."""
        prompt, count = workload.amounts["prompt"], workload.amounts["generate"]
        tokens = session.place(workload.tokens(prompt))
        session.start(prompt + count - 1, further=count - 1)

        def iteration(timer: Timer) -> Mapping[str, float]:
            session.reset()
            start = timer.mark()
            token = session.decode(tokens)  # [B, 1]
            first = timer.mark()
            for _ in range(count - 1):
                token = session.decode(token)
            end = timer.mark()
            sections = {"latency": timer.seconds(start, end), "ttft": timer.seconds(start, first)}
            if count > 1:  # a single token has no time per further token
                sections["tpot"] = timer.seconds(first, end) / (count - 1)
            return sections

        return iteration
