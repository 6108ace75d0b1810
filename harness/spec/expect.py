"""How long a round of a cell will take: what it took before, else a rough guess. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.domain.cell import Cell, Choice
from harness.parallelism import engine_of
from harness.spec.feasible import Feasibility
from harness.spec.schema import Measure

# A guess serves the plan's clock and no figure that is published: a modest processor, which
# a good one beats tenfold and a GPU by far more.
ASSUMED_FLOPS = 5e10  # a second
ASSUMED_BANDWIDTH = 1e10  # bytes a second
STARTUP_SECONDS = 0.3  # of a round: its process, its model's construction apart
WARMUP_ITERATIONS = 3


@dataclass
class Expectation:
    """Expected seconds of rounds, by measured durations (by cell id) where there are any."""

    feasibility: Feasibility
    durations: Mapping[str, float]
    _work: dict[tuple[Choice, tuple[tuple[str, int], ...]], tuple[int, int]] = field(
        default_factory=dict
    )

    def round_seconds(self, cell: Cell, measure: Measure) -> float:
        """Seconds of one round, from its start to its end."""
        measured = self.durations.get(cell.id)
        return self._guess(cell, measure) if measured is None else measured

    def _guess(self, cell: Cell, measure: Measure) -> float:
        """Start, build the weights, warm up, and sample for long enough."""
        iteration = self._iteration(cell)
        sampling = max(measure.round_time, measure.samples * iteration)
        build = self.feasibility.weight_bytes(cell) / ASSUMED_BANDWIDTH
        launch = engine_of(cell).launch_seconds
        return STARTUP_SECONDS + launch + build + WARMUP_ITERATIONS * iteration + sampling

    def _iteration(self, cell: Cell) -> float:
        """The longer of arithmetic and of reading the weights once a pass (a roofline).

        Two FLOPs a parameter and token; backward costs twice the forward (Kaplan et al. 2020,
        arXiv 2001.08361, section 2.1).
        """
        tokens, passes = self._amount(cell)
        arithmetic = 2 * self.feasibility.parameters(cell) * tokens / ASSUMED_FLOPS
        reading = self.feasibility.weight_bytes(cell) * passes / ASSUMED_BANDWIDTH
        return max(arithmetic, reading)

    def _amount(self, cell: Cell) -> tuple[int, int]:
        """Tokens to work through, and passes over the weights; a backward counts as two more."""
        key = (cell.scenario, cell.workload)
        if key not in self._work:
            scenario = self.feasibility.catalog.scenario[cell.scenario.name].of(cell.scenario)
            work = [(one, 3 if one.backward else 1) for one in scenario.work(cell.load)]
            tokens = sum(one.batch * one.new * times for one, times in work)
            self._work[key] = (tokens, sum(times for _, times in work))
        return self._work[key]
