"""Decode: one token at a time after a prompt.

Every step reads all weights and the whole decode state to produce one token per sequence, so
memory bandwidth limits it.
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


@register("decode", "produce tokens one at a time after a prompt")
class Decode(Scenario):
    """Time per output token (TPOT) over `generate` greedy tokens after a prompt of `prompt`."""

    class Options(Options):
        """Whether the caches are cold."""

        cold: bool = Field(False, description=DESCRIPTION)

    workload = ("batch", "prompt", "generate")
    headline = "tpot"

    def tokens(self, workload: Mapping[str, int]) -> int:
        """One: TPOT is the time of a single token."""
        return 1

    def capacity(self, workload: Mapping[str, int]) -> int:
        """The prompt and the tokens produced after it."""
        return workload["prompt"] + workload["generate"]

    def steps(self, workload: Mapping[str, int]) -> int:
        """One step per token."""
        return workload["generate"]

    def work(self, workload: Mapping[str, int]) -> tuple[Work, ...]:
        """One step per token; each sees one token more than the step before."""
        batch, prompt = workload["batch"], workload["prompt"]
        return tuple(
            Work(batch, 1, past=prompt + i, further=i) for i in range(workload["generate"])
        )

    def prepare(self, session: Session, workload: Workload) -> Iteration:
        """Reads the prompt once. Each iteration restores the state after it and decodes again."""
        prompt, count = workload.amounts["prompt"], workload.amounts["generate"]
        session.start(prompt + count, further=count)
        first = session.decode(session.place(workload.tokens(prompt)))  # [B, 1]
        after_prompt = session.snapshot()

        def iteration(timer: Timer) -> Mapping[str, float]:
            session.restore(after_prompt)
            token = first
            start = timer.mark()
            for _ in range(count):
                token = session.decode(token)
            return {"tpot": timer.seconds(start, timer.mark()) / count}

        if not self.options.cold:
            return iteration
        flush = flusher(session.device, workload.cache_bytes())

        def cold_iteration(timer: Timer) -> Mapping[str, float]:
            """Times each token alone and flushes the caches before it."""
            session.restore(after_prompt)
            token, times = first, []
            for _ in range(count):
                flush()
                start = timer.mark()
                token = session.decode(token)
                times.append((start, timer.mark()))
            return {"tpot": sum(timer.seconds(*edges) for edges in times) / count}

        return cold_iteration
